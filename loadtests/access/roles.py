"""Line 4: permissions and roles as data, for people and keys alike; nobody grants more."""

from __future__ import annotations

import re
from typing import Any

from loadtests.access.callers import Caller
from loadtests.access.people import Person, guest, member_id, newcomer
from loadtests.access.stage import Stage

# A read that each permission opens.
PROBES = {
    "conversions:read": "conversions/jobs/",
    "webhooks:read": "webhooks/endpoints/",
    "notifications:read": "notifications/",
    "billing:read": "billing/subscription/",
    "members:read": "tenant/members/",
    "keys:read": "auth/api-keys/",
    "audit:read": "tenant/audit-log/",
}
METHODS = ("get", "post", "put", "patch", "delete")
OPEN = {"anyone", "signed_in", "inside", "staff"}


def play(stage: Stage) -> None:
    """Made, given, changed, refused."""
    owner = newcomer(stage)
    words = vocabulary(stage, owner)
    custom(stage, owner, words)
    exactly(stage, owner)
    no_more_than_held(stage, owner)
    every_route(stage, owner)


def vocabulary(stage: Stage, owner: Person) -> list[str]:
    """What roles and keys are made of."""
    items = owner.inside().get("tenant/permissions/").json["items"]
    stage.check("an owner holds every permission", holds=items and all(i["held"] for i in items))
    roles = owner.inside().get("tenant/roles/").json["items"]
    names = {role["name"] for role in roles if role["builtin"]}
    built_in = {"owner", "admin", "billing", "developer", "member", "viewer"}
    stage.check("the built-in roles are there as rows", holds=names == built_in, seen=names)
    return [item["code"] for item in items]


def custom(stage: Stage, owner: Person, words: list[str]) -> None:
    """A role of the tenant's own."""
    team, name = owner.inside(), stage.name()
    some = sorted(stage.random.sample(words, 4))
    made = team.post("tenant/roles/", {"name": name, "permissions": some})
    stage.check(
        f"a role of {', '.join(some)}", holds=made.json.get("permissions") == some, seen=made
    )
    place = f"tenant/roles/{made.json['id']}/"
    clash = team.post("tenant/roles/", {"name": name.upper(), "permissions": []})
    stage.expect("its name is taken, in capitals too", clash, "conflict")
    odd = team.post(
        "tenant/roles/", {"name": stage.name(), "permissions": [f"{stage.word()}:read"]}
    )
    stage.expect("no such permission", odd, "validation_error")
    general = team.post("tenant/roles/", {"name": stage.name(), "permissions": ["staff"]})
    stage.expect("`staff` is none", general, "validation_error")
    changed = team.patch(place, {"permissions": some[:1], "is_builtin": True, "tenant_id": "x"})
    stage.check(
        "it changes; what is not offered does not",
        holds=changed.json.get("permissions") == some[:1] and not changed.json["builtin"],
        seen=changed,
    )
    roles = team.get("tenant/roles/").json["items"]
    admin = next(role for role in roles if role["name"] == "admin")
    for text, reply in (
        (
            "a built-in one does not change",
            team.patch(f"tenant/roles/{admin['id']}/", {"name": "x"}),
        ),
        ("nor go", team.delete(f"tenant/roles/{admin['id']}/")),
    ):
        stage.expect(text, reply, "conflict")
    holder = guest(stage, owner, name)
    stage.expect("one that somebody has stays", team.delete(place), "conflict")
    team.patch(f"tenant/members/{member_id(owner, holder)}/", {"role": "viewer"})
    stage.check("else it goes", holds=team.delete(place).status == 204)


def exactly(stage: Stage, owner: Person) -> None:
    """A person and a key with the same permissions get exactly the same."""
    team = owner.inside()
    granted = set(stage.random.sample(sorted(PROBES), 3))
    name = stage.name()
    role = team.post("tenant/roles/", {"name": name, "permissions": sorted(granted)}).json
    person = guest(stage, owner, name).inside()
    made = owner.make_key(scopes=sorted(granted))
    key, place = stage.visitor().with_key(made["key"]), f"auth/api-keys/{made['id']}/"
    compare(stage, granted, person, key)
    others = set(stage.random.sample(sorted(set(PROBES) - granted), 2))
    team.patch(f"tenant/roles/{role['id']}/", {"permissions": sorted(others)})
    team.patch(place, {"scopes": sorted(others)})
    compare(stage, others, person, key)


def compare(stage: Stage, granted: set[str], person: Caller, key: Caller) -> None:
    """Ask everything."""
    for who, caller, refusal in (
        ("person", person, "permission_denied"),
        ("key", key, "scope_missing"),
    ):
        seen = {permission: caller.get(path).code for permission, path in PROBES.items()}
        wanted = {permission: "200" if permission in granted else refusal for permission in PROBES}
        stage.check(
            f"a {who} with {', '.join(sorted(granted))}: that and nothing else",
            holds=seen == wanted,
            seen=seen,
        )


def no_more_than_held(stage: Stage, owner: Person) -> None:
    """By role, invitation, key, rotation, change."""
    admin, team = guest(stage, owner, "admin").inside(), owner.inside()
    wish = {"name": stage.name(), "permissions": ["billing:write"]}
    stage.expect(
        "an admin makes no role that pays", admin.post("tenant/roles/", wish), "permission_denied"
    )
    pays = team.post("tenant/roles/", wish).json
    invited = admin.post("tenant/invitations/", {"email": stage.email(), "role": pays["name"]})
    stage.expect("nor invites to one", invited, "permission_denied")
    changed = admin.patch(f"tenant/roles/{pays['id']}/", {"permissions": []})
    stage.expect("nor changes it", changed, "permission_denied")
    key = admin.post("auth/api-keys/generate/", {"name": "x", "scopes": ["billing:write"]})
    stage.expect("nor makes a key that pays", key, "permission_denied")
    strong = owner.make_key(scopes=["billing:write", "keys:read"])
    for text, reply in (
        (
            "rotates one",
            admin.post(f"auth/api-keys/{strong['id']}/rotate/", {"overlap_seconds": 9}),
        ),
        ("widens one", admin.patch(f"auth/api-keys/{strong['id']}/", {"scopes": ["keys:read"]})),
    ):
        stage.expect(f"nor {text}", reply, "permission_denied")
    maker = owner.keyed(scopes=["keys:write", "keys:read", "conversions:read"])
    less = maker.post("auth/api-keys/generate/", {"name": "y", "scopes": ["conversions:read"]})
    stage.check("a key makes a lesser key", holds=less.status == 201, seen=less)
    more = maker.post("auth/api-keys/generate/", {"name": "y", "scopes": ["conversions:write"]})
    stage.expect("no greater one", more, "permission_denied")
    own = maker.get("auth/api-keys/?limit=200").json["items"]
    mine = next(
        item
        for item in own
        if item["scopes"] == sorted(["keys:write", "keys:read", "conversions:read"])
    )
    wider = maker.patch(f"auth/api-keys/{mine['id']}/", {"scopes": [*mine["scopes"], "audit:read"]})
    stage.expect("nor widens itself", wider, "permission_denied")
    tester = owner.keyed(scopes=["keys:write"], test=True)
    live = tester.post("auth/api-keys/generate/", {"name": "z", "scopes": ["keys:write"]})
    stage.expect("a test key makes no live key", live, "permission_denied")
    here = stage.address()
    bound = stage.visitor(here).with_key(
        owner.make_key(scopes=["keys:write"], allowed_ips=[here])["key"]
    )
    free = bound.post("auth/api-keys/generate/", {"name": "z", "scopes": ["keys:write"]})
    stage.expect("a key bound to a network makes none that is free", free, "permission_denied")
    person = bound.post("tenant/leave/")
    stage.expect("a key acts for nobody", person, "permission_denied")


def every_route(stage: Stage, owner: Person) -> None:
    """Each route of the description refuses strangers, and whoever lacks its permission."""
    name = stage.name()
    owner.inside().post("tenant/roles/", {"name": name, "permissions": []})
    nobody = guest(stage, owner, name).inside()
    key = owner.keyed(scopes=["billing:read"])
    paths: dict[str, Any] = stage.visitor().get("/swagger.json").json["paths"]
    found = [(m, p, o) for p, ops in paths.items() for m, o in ops.items() if m in METHODS]
    undeclared = [(m, p) for m, p, o in found if not o.get("x-permission")]
    stage.check(
        f"each of {len(found)} routes declares a permission", holds=not undeclared, seen=undeclared
    )
    stranger = stage.visitor()
    wrong: list[str] = []
    first: list[str] = []
    asked = 0
    for method, path, operation in found:
        permission, url = operation["x-permission"], re.sub(r"{\w+}", "none", path)
        if permission == "anyone":
            continue
        asked += 1
        body = [1, "no body of this route"] if method != "get" else None
        reply = stranger.call(method.upper(), url, body)
        wrong += [] if reply.code == "authentication_required" else [str(reply)]
        if permission in OPEN:
            continue
        for caller, code in ((nobody, "permission_denied"), (key, "scope_missing")):
            if caller is key and permission == "billing:read":
                continue
            reply = caller.call(method.upper(), url, body)
            if reply.code != code:
                (first if reply.status in (422, 400) else wrong).append(str(reply))
    stage.check(
        f"{asked} refuse strangers, and who lacks the permission", holds=not wrong, seen=wrong[:3]
    )
    stage.check("before they read the body", holds=not first, seen=f"{len(first)}: {first[:2]}")
