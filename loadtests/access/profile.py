"""Line 1, the person: profile, address, picture, activity, export, erasure."""

from __future__ import annotations

import io
import json
import zipfile

from loadtests.access.callers import Caller
from loadtests.access.mails import text_of
from loadtests.access.people import Person, guest, newcomer
from loadtests.access.pictures import look, telling_jpeg
from loadtests.access.stage import Stage


def play(stage: Stage) -> None:
    """What is theirs."""
    person = newcomer(stage)
    profile(stage, person)
    new_address(stage, person)
    picture(stage, person.fresh())
    activity(stage, person)
    export(stage, person)
    erasure(stage, person)
    tickets(stage, person)


def profile(stage: Stage, person: Person) -> None:
    """Change what is one's own; nothing else."""
    caller = person.fresh()
    wish = {"full_name": stage.name(), "locale": "de-CH", "timezone": "Europe/Zurich"}
    changed = caller.patch("auth/me/", wish)
    stage.check("the profile changes", holds=wish.items() <= changed.json.items(), seen=changed)
    for field, value in (
        ("timezone", "Mars/Olympus"),
        ("locale", "not a locale"),
        ("full_name", "two\r\nlines"),
        ("username", "a b"),
        ("username", f"{stage.word()}@{stage.word()}"),
    ):
        reply = caller.patch("auth/me/", {field: value})
        stage.expect(f"{field}: {value!r} is refused", reply, "validation_error")
    before = caller.get("auth/me/").json
    more = {
        "is_staff": True,
        "is_superuser": True,
        "email_verified": False,
        "is_active": False,
        "id": stage.name(),
        "created_at": "2001-01-01T00:00:00Z",
        "avatar": "x",
        "email_verified_at": "2001-01-01T00:00:00Z",
        "password": "x",
        "pending_email": "x@y.zz",
    }
    caller.patch("auth/me/", more)
    after = caller.get("auth/me/").json
    stage.check("fields that are not offered change nothing", holds=before == after, seen=after)
    staff = caller.get("staff/stats/")
    stage.expect("nobody makes themselves staff", staff, "permission_denied")


def new_address(stage: Stage, person: Person) -> None:
    """Counts once its link is opened; the old one is told."""
    caller, old, wanted = person.fresh(), person.email, stage.email()
    reply = caller.patch("auth/me/", {"email": wanted})
    stage.check(
        "a new address waits for its proof",
        holds=(reply.json["email"], reply.json["pending_email"]) == (old, wanted),
        seen=reply,
    )
    told = text_of(stage.letters.wait(old, "about to change"))
    stage.check("the old address is told, without the whole new one", holds=wanted not in told)
    token = stage.letters.token(wanted, "new address")
    proven = stage.visitor().post("auth/verify-email/", {"token": token})
    stage.check("the link puts it in force", holds=proven.json["email"] == wanted, seen=proven)
    person.email = wanted
    stage.check("one logs in by it", holds=person.log_in(wanted).status == 200)
    stage.expect("no longer by the old one", person.log_in(old), "invalid_credentials")


def picture(stage: Stage, caller: Caller) -> None:
    """Drawn anew, sized, without what it told."""
    secret = f"taken at {stage.name()}"
    photo = telling_jpeg(secret)
    sent = caller.call("PUT", "auth/me/avatar/", files={"file": ("me.jpg", photo)})
    stage.check("a picture is taken", holds=sent.status == 200 and sent.json["avatar"], seen=sent)
    for size, address in sent.json["avatar"].items():
        shown = caller.get(address)
        form, drawn, told = look(shown.body)
        stage.check(
            f"{size} px: WebP, square, drawn anew, nothing told",
            holds=(form, drawn, told) == ("WEBP", (int(size), int(size)), 0)
            and secret.encode() not in shown.body,
            seen=(form, drawn, told),
        )
    odd = {
        "a page": b"<html><script>alert(1)</script></html>",
        "a drawing with a script": b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>",
        "half a picture": photo[: len(photo) // 3],
    }
    for name, content in odd.items():
        reply = caller.call("PUT", "auth/me/avatar/", files={"file": ("me.jpg", content)})
        stage.expect(f"{name} is refused", reply, "unsupported_media_type")
    address = next(iter(sent.json["avatar"].values()))
    caller.delete("auth/me/avatar/")
    stage.check("removed, its files are gone", holds=caller.get(address).status == 404)


def activity(stage: Stage, person: Person) -> None:
    """One's own, wherever it was."""
    caller = person.fresh()

    def logins() -> list[dict[str, str]]:
        items = caller.get("auth/me/activity/?action=login&limit=200").json["items"]
        return [item for item in items if item["ip"] == person.address]

    found = stage.until(logins)
    stage.check("own activity shows the logins with their address", holds=found, seen=found)
    everything = caller.get("auth/me/activity/?limit=200").json["items"]
    stage.check("and nobody else's", holds={i["actor"] for i in everything} == {person.id})


def export(stage: Stage, person: Person) -> None:
    """Ask, get a mail, open the archive and read it."""
    caller = person.fresh()
    asked = caller.get("auth/me/export/")
    stage.check("an export begins", holds=asked.status in (200, 202), seen=asked)
    token = stage.letters.token(person.email, "data is ready")
    ready = caller.get("auth/me/export/")
    stage.check("then it is ready", holds=ready.json.get("status") == "ready", seen=ready)
    fetched = stage.visitor().get(f"auth/me/export/download/?token={token}")
    with zipfile.ZipFile(io.BytesIO(fetched.body)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    account = json.loads(parts["account.json"])
    stage.check("the archive holds the profile", holds=account["profile"]["email"] == person.email)
    stage.check("the activity", holds=json.loads(parts["activity.json"]))
    whole = b"".join(parts.values())
    stage.check("the tenant", holds=person.slug.encode() in whole, seen=sorted(parts))
    secrets = (b"argon2", person.password.encode(), caller.headers["Authorization"][7:].encode())
    stage.check("no hash and no secret", holds=not any(word in whole for word in secrets))
    bent = stage.visitor().get(f"auth/me/export/download/?token={token[:-2]}zz")
    stage.expect("a bent link fetches nothing", bent, "validation_error")


def erasure(stage: Stage, person: Person) -> None:
    """With the password; not while a tenant would be left without an owner."""
    owner = person.fresh()
    wrong = owner.delete("auth/me/", {"password": "no"})
    stage.expect("erasure asks for the password", wrong, "invalid_credentials")
    tied = owner.delete("auth/me/", {"password": person.password})
    stage.check(
        "the only owner of a tenant is told which",
        holds=tied.code == "conflict" and tied.json.get("tenants"),
        seen=tied,
    )
    person.token = person.log_in().json["access"]
    leaver = guest(stage, person, "member")
    caller = leaver.fresh()
    gone = caller.delete("auth/me/", {"password": leaver.password})
    stage.check("a guest is erased", holds=gone.status == 204, seen=gone)
    stage.expect("the token is dead", caller.get("auth/me/"), "token_expired")
    stage.expect("logging in is over", leaver.log_in(), "invalid_credentials")
    by_address = leaver.log_in(leaver.email)
    stage.expect("by the address as well", by_address, "invalid_credentials")
    stage.letters.wait(leaver.email, "erased")
    members = person.inside().get("tenant/members/").text
    stage.check("nothing of them is left among the members", holds=leaver.email not in members)


def tickets(stage: Stage, person: Person) -> None:
    """For a socket: once."""
    caller = person.inside()
    ticket = caller.post("auth/ws-ticket/").json["ticket"]
    opened = [stage.visitor().upgrade(f"/ws/notifications/?ticket={ticket}") for _ in range(2)]
    stage.check("a ticket opens one socket, once", holds=opened == [101, 403], seen=opened)
    bare = stage.visitor().upgrade("/ws/notifications/")
    stage.check("no socket without credentials", holds=bare == 403, seen=bare)
