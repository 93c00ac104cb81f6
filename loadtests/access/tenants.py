"""Line 3: a tenant's people and its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from loadtests.access.callers import Caller
from loadtests.access.people import Person, guest, member_id, newcomer
from loadtests.access.stage import Stage

ROLES = ("admin", "billing", "developer", "member", "viewer")


def play(stage: Stage) -> None:
    """Invite, accept, change, remove, leave, hand over, suspend, delete, restore."""
    owner = newcomer(stage)
    inviting(stage, owner)
    several_tenants(stage, owner)
    going(stage, owner)
    handing_over(stage)
    suspended(stage)
    deleted(stage)


def inviting(stage: Stage, owner: Person) -> None:
    """By mail, in time, once, for one address."""
    team, address, role = owner.inside(), stage.email(), stage.random.choice(ROLES)
    asked = team.post("tenant/invitations/", {"email": address, "role": role})
    stage.check(
        f"invited as {role}; the token is in the mail alone",
        holds=asked.status == 201 and "token" not in asked.text,
        seen=asked,
    )
    until = datetime.fromisoformat(asked.json["expires_at"]) - datetime.now(UTC)
    stage.check("it ends after seven days", holds=abs(until - timedelta(days=7)).seconds < 300)
    token = stage.letters.token(address, "invited")
    body = {"token": token, "password": stage.password(), "username": stage.name()}
    forged = stage.visitor().post("invitations/accept/", {**body, "token": token[:-3] + "abc"})
    stage.expect("a forged link is refused", forged, "validation_error")
    other = newcomer(stage)
    stolen = other.fresh().post("invitations/accept/", {"token": token})
    stage.expect("another person can't use it", stolen, "permission_denied")
    joined = stage.visitor().post("invitations/accept/", body)
    stage.check(
        "a newcomer joins with a password of their own",
        holds=joined.status == 200 and joined.json["role"] == role,
        seen=joined,
    )
    again = stage.visitor().post("invitations/accept/", body)
    stage.expect("the link is good once", again, "expired")
    stage.expect(
        "a member is not invited twice",
        team.post("tenant/invitations/", {"email": address}),
        "conflict",
    )
    listed = team.get("tenant/invitations/").json["items"]
    stage.check("it is listed as accepted", holds=listed[0]["status"] == "accepted", seen=listed)
    known(stage, team, other)
    void(stage, team)


def known(stage: Stage, team: Caller, other: Person) -> None:
    """Somebody who has an account logs in to accept."""
    team.post("tenant/invitations/", {"email": other.email.upper(), "role": "viewer"})
    token = stage.letters.token(other.email.upper(), "invited")
    bare = stage.visitor().post("invitations/accept/", {"token": token, "password": "x" * 20})
    stage.expect("an address with an account must log in", bare, "authentication_required")
    joined = other.fresh().post("tenant/invitations/accept/", {"token": token})
    stage.check("logged in they join", holds=joined.status == 200, seen=joined)
    slugs = [tenant["slug"] for tenant in other.log_in().json["tenants"]]
    stage.check("and have two tenants", holds=len(slugs) == 2, seen=slugs)


def void(stage: Stage, team: Caller) -> None:
    """Revoked, or replaced by a later one."""
    address = stage.email()
    first = team.post("tenant/invitations/", {"email": address, "role": "viewer"}).json
    old = stage.letters.token(address, "invited")
    second = team.post("tenant/invitations/", {"email": address, "role": "viewer"}).json
    token = stage.letters.token(address, "invited", seen=1)
    body = {"password": stage.password()}
    door = stage.visitor()
    late = door.post("invitations/accept/", {**body, "token": old})
    stage.expect("a later invitation voids the earlier", late, "expired")
    stage.check("they are two", holds=first["id"] != second["id"])
    team.delete(f"tenant/invitations/{second['id']}/")
    revoked = door.post("invitations/accept/", {**body, "token": token})
    stage.expect("a revoked one is void at once", revoked, "expired")
    odd = team.post("tenant/invitations/", {"email": stage.email(), "role": stage.word()})
    stage.expect("no role of that name", odd, "not_found")
    injected = team.post("tenant/invitations/", {"email": f"a@b.example\r\nBcc: {stage.email()}"})
    stage.expect("an address with a line break is none", injected, "validation_error")


def several_tenants(stage: Stage, owner: Person) -> None:
    """Switch by header or host; both only where one belongs."""
    other = newcomer(stage)
    owner.inside().post("tenant/invitations/", {"email": other.email, "role": "viewer"})
    token = stage.letters.token(other.email, "invited")
    other.inside().post("invitations/accept/", {"token": token})
    slug = other.inside(owner.slug).get("tenant/").json.get("slug")
    stage.check("X-Tenant names the tenant", holds=slug == owner.slug, seen=slug)
    bare = stage.visitor(other.address).bearing(other.token)
    stage.check("without it one's default", holds=bare.get("tenant/").json["slug"] == other.slug)
    port = urlsplit(stage.demo["base_url"]).netloc.partition(":")[2]
    base = urlsplit(stage.demo["base_url"]).hostname
    host = f"{owner.slug}.{base}" + (f":{port}" if port else "")
    by_host = bare.at(host=host).get("tenant/")
    stage.check(
        "a tenant's host names it", holds=by_host.json.get("slug") == owner.slug, seen=by_host
    )
    both = other.inside(other.slug).at(host=host).get("tenant/")
    stage.check(
        "the header goes before the host", holds=both.json.get("slug") == other.slug, seen=both
    )
    writes = other.inside(owner.slug).post("conversions/presets/", {"name": "x", "steps": {}})
    stage.expect("the role counts in each: a viewer there", writes, "permission_denied")
    foreign = newcomer(stage)
    reply = other.inside(foreign.slug).get("tenant/")
    stage.expect("X-Tenant of strangers", reply, "permission_denied")
    there = bare.at(host=host.replace(owner.slug, foreign.slug)).get("tenant/")
    stage.expect("the host of strangers", there, "permission_denied")
    nowhere = other.inside(stage.name()).get("tenant/")
    stage.check(
        "one that is not there is answered alike",
        holds=nowhere.code == reply.code,
        seen=nowhere,
    )
    key = foreign.keyed().at(host=host).get("tenant/")
    stage.check("a key means its own tenant on every host", holds=key.json["slug"] == foreign.slug)


def going(stage: Stage, owner: Person) -> None:
    """Another role, removed, leaving."""
    person = guest(stage, owner, "developer")
    mine, place = person.inside(), f"tenant/members/{member_id(owner, person)}/"
    key = mine.post("auth/api-keys/generate/", {"name": stage.word()}).json["key"]
    team = owner.inside()
    team.patch(place, {"role": "viewer"})
    refused = mine.post("auth/api-keys/generate/", {"name": "late"})
    stage.expect("another role is in force at the next request", refused, "permission_denied")
    stage.expect("no role of that name", team.patch(place, {"role": stage.word()}), "not_found")
    stage.expect("a viewer removes nobody", mine.delete(place), "permission_denied")
    stage.expect(
        "and makes nobody owner", mine.patch(place, {"role": "owner"}), "permission_denied"
    )
    stage.check("before: inside", holds=mine.get("tenant/").status == 200)
    gone = team.delete(f"{place}?revoke_keys=1")
    stage.check("removed", holds=gone.status == 204, seen=gone)
    stage.expect("a removed member's token stops at once", mine.get("tenant/"), "permission_denied")
    own_keys = stage.visitor().with_key(key).get("conversions/jobs/")
    stage.expect("and their keys, where that was asked", own_keys, "key_revoked")
    bare = stage.visitor(person.address).bearing(person.token)
    stage.check("what is their own goes on", holds=bare.get("auth/me/").status == 200)
    stage.expect("and the member is gone", team.get(place), "not_found")
    leaver = guest(stage, owner, "member")
    left = leaver.inside().post("tenant/leave/")
    stage.check("somebody leaves", holds=left.status == 204, seen=left)
    stage.expect("and is out", leaver.inside().get("tenant/"), "permission_denied")
    for text, reply in (
        ("the last owner can't leave", team.post("tenant/leave/")),
        ("nor be removed", team.delete(f"tenant/members/{member_id(owner, owner)}/")),
        (
            "nor lose the role",
            team.patch(f"tenant/members/{member_id(owner, owner)}/", {"role": "admin"}),
        ),
    ):
        stage.expect(text, reply, "conflict")


def handing_over(stage: Stage) -> None:
    """Ownership goes to one person."""
    owner = newcomer(stage)
    admin, heir = guest(stage, owner, "admin"), guest(stage, owner, "viewer")
    body = {"member_id": member_id(owner, heir)}
    taken = admin.inside().post("tenant/transfer-ownership/", body)
    stage.expect("an admin can't hand over what is not theirs", taken, "permission_denied")
    made = admin.inside().patch(f"tenant/members/{body['member_id']}/", {"role": "owner"})
    stage.expect("nor make an owner", made, "permission_denied")
    unmade = admin.inside().delete(f"tenant/members/{member_id(owner, owner)}/")
    stage.expect("nor remove one", unmade, "permission_denied")
    done = owner.inside().post("tenant/transfer-ownership/", body)
    stage.check("the owner can", holds=done.json.get("role") == "owner", seen=done)
    roles = {m["user_id"]: m["role"] for m in heir.inside().get("tenant/members/").json["items"]}
    stage.check("and is an admin then", holds=roles[owner.id] == "admin", seen=roles)
    raced = newcomer(stage)
    second = guest(stage, raced, "viewer")
    raced.inside().patch(f"tenant/members/{member_id(raced, second)}/", {"role": "owner"})
    callers = [raced.inside(), second.inside()]
    left = stage.everyone(2, lambda n: callers[n].post("tenant/leave/").status)
    stage.check(
        "of two owners who leave at once, one stays", holds=sorted(left) == [204, 409], seen=left
    )


def tenant_id(owner: Person) -> str:
    """The id of somebody's tenant."""
    return str(owner.inside().get("tenant/").json["id"])


def suspended(stage: Stage) -> None:
    """By staff: closed at the next request, opened again."""
    owner = newcomer(stage)
    key, inside, place = owner.keyed(), owner.inside(), f"staff/tenants/{tenant_id(owner)}/"
    reason = f"unpaid {stage.name()}"
    stage.check("before: open", holds=key.get("conversions/jobs/").status == 200)
    done = stage.staff().post(f"{place}suspend/", {"reason": reason})
    stage.check("staff suspends", holds=done.json.get("status") == "suspended", seen=done)
    stage.expect("the key at its next request", key.get("conversions/jobs/"), "tenant_suspended")
    closed = inside.get("conversions/jobs/")
    stage.expect("people too", closed, "tenant_suspended")
    stage.check("the reason is for staff", holds=reason not in closed.text)
    stage.check("what is their own goes on", holds=inside.get("auth/me/").status == 200)
    stage.staff().post(f"{place}resume/")
    stage.check("resumed", holds=key.get("conversions/jobs/").status == 200)


def deleted(stage: Stage) -> None:
    """By an owner who repeats the name; 30 days to think again."""
    owner = newcomer(stage)
    admin, key, inside = guest(stage, owner, "admin"), owner.keyed(), owner.inside()
    wrong = inside.delete("tenant/", {"name": stage.name()})
    stage.expect("another name does not delete", wrong, "validation_error")
    stage.expect(
        "nor an admin", admin.inside().delete("tenant/", {"name": owner.slug}), "permission_denied"
    )
    done = inside.delete("tenant/", {"name": owner.tenant_name})
    stage.check(
        "the owner does",
        holds=(done.status, done.json.get("status")) == (202, "deleting"),
        seen=done,
    )
    left = datetime.fromisoformat(done.json["purge_at"]) - datetime.now(UTC)
    stage.check(
        "30 days of grace",
        holds=abs(left - timedelta(days=30)).seconds < 300 or left.days in (29, 30),
    )
    stage.expect("keys are refused", key.get("conversions/jobs/"), "tenant_suspended")
    stage.expect("people too", inside.get("tenant/"), "tenant_suspended")
    stage.expect(
        "an admin can't restore", admin.inside().post("tenant/restore/"), "permission_denied"
    )
    stranger = newcomer(stage).inside(owner.slug).post("tenant/restore/")
    stage.expect("strangers can't", stranger, "permission_denied")
    back = inside.post("tenant/restore/")
    stage.check("the owner restores it", holds=back.json.get("status") == "active", seen=back)
    stage.check("the key works again", holds=key.get("conversions/jobs/").status == 200)
    stage.note("the purge after 30 days is seen in tests/tenants/test_end_of_a_tenant.py")
