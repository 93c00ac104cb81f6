"""Somebody who registers, proves the address and logs in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from loadtests.access.callers import Caller, Reply
from loadtests.access.stage import Stage


@dataclass
class Person:
    """A person with a tenant of their own, calling from an address of their own."""

    stage: Stage
    email: str
    password: str
    username: str
    id: str
    slug: str
    tenant_name: str
    address: str
    token: str = ""
    refresh: str = ""

    def log_in(self, name: str = "", **more: Any) -> Reply:
        """POST login/."""
        body = {"username": name or self.username, "password": self.password, **more}
        return self.stage.visitor(self.address).post("auth/login/", body)

    def fresh(self, **more: Any) -> Caller:
        """A further login of their own, in no tenant by name."""
        reply = self.log_in(**more)
        assert reply.status == 200, reply
        return self.stage.visitor(self.address).bearing(reply.json["access"])

    def inside(self, slug: str = "") -> Caller:
        """The first login, in a tenant: their own unless another is named."""
        return self.stage.visitor(self.address).bearing(self.token, slug or self.slug)

    def make_key(self, **wish: Any) -> dict[str, Any]:
        """A key of their own tenant, as its maker sees it once."""
        reply = self.inside().post("auth/api-keys/generate/", {"name": self.stage.word(), **wish})
        assert reply.status == 201, reply
        found: dict[str, Any] = reply.json
        return found

    def keyed(self, **wish: Any) -> Caller:
        """A caller with such a key."""
        return self.stage.visitor(self.address).with_key(self.make_key(**wish)["key"])


def register(stage: Stage, **more: str) -> tuple[Person, Reply]:
    """Somebody new; the address is not proven."""
    wish = {
        "email": stage.email(),
        "password": stage.password(),
        "username": stage.name(),
        "full_name": f"{stage.word().title()} {stage.word().title()}",
        "tenant_name": f"{stage.word().title()} {stage.random.randrange(10**6)}",
        **more,
    }
    address = stage.address()
    reply = stage.visitor(address).post("auth/register/", wish)
    assert reply.status == 201, reply
    made = reply.json
    tenant = made["tenants"][0]
    person = Person(
        stage,
        wish["email"],
        wish["password"],
        made["username"],
        made["id"],
        tenant["slug"],
        tenant["name"],
        address,
    )
    return person, reply


def verify(stage: Stage, person: Person) -> Reply:
    """Open the link of the mail."""
    token = stage.letters.token(person.email, "confirm")
    return stage.visitor().post("auth/verify-email/", {"token": token})


def newcomer(stage: Stage, **more: str) -> Person:
    """Registered, proven, logged in."""
    person, _ = register(stage, **more)
    reply = verify(stage, person)
    assert reply.status == 200, reply
    return enter(person)


def enter(person: Person, **more: Any) -> Person:
    """Log in and keep the tokens."""
    reply = person.log_in(**more)
    assert reply.status == 200, reply
    person.token, person.refresh = reply.json["access"], reply.json["refresh"]
    return person


def guest(stage: Stage, host: Person, role: str) -> Person:
    """Somebody without a tenant of their own who joins another's by invitation."""
    address, password, username = stage.email(), stage.password(), stage.name()
    asked = host.inside().post("tenant/invitations/", {"email": address, "role": role})
    assert asked.status == 201, asked
    token = stage.letters.token(address, "invited")
    body = {"token": token, "password": password, "username": username}
    place = stage.address()
    joined = stage.visitor(place).post("invitations/accept/", body)
    assert joined.status == 200, joined
    person = Person(
        stage,
        address,
        password,
        username,
        joined.json["user"]["id"],
        host.slug,
        host.tenant_name,
        place,
    )
    return enter(person)


def member_id(host: Person, person: Person) -> str:
    """The id of somebody's membership."""
    found = host.inside().get("tenant/members/?limit=200").json["items"]
    return next(str(item["id"]) for item in found if item["user_id"] == person.id)
