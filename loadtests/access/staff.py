"""Line 11: the staff's API, from the staff's login to the mail that they send."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from loadtests.access.people import guest, newcomer
from loadtests.access.stage import Stage

ROUTES = (
    *("stats/", "analytics/registrations/", "analytics/conversions/", "tenants/", "users/"),
    "emails/",
)


def play(stage: Stage) -> None:
    """Who gets in, what they see, what they can do."""
    staff = stage.staff()
    owner = newcomer(stage)
    doors(stage, owner)
    figures(stage)
    lists(stage, owner)
    people(stage, owner)
    plans(stage, owner)
    letters(stage, owner)
    odd = staff.get("staff/analytics/registrations/?from=2030-01-02&to=2030-01-01")
    stage.expect("days that go backwards", odd, "validation_error")


def doors(stage: Stage, owner: Any) -> None:
    """Not for owners, not for keys, not for strangers."""
    key = owner.keyed(scopes=["audit:read"])
    for name, caller, code in (
        ("an owner", owner.inside(), "permission_denied"),
        ("a key", key, "permission_denied"),
        ("a stranger", stage.visitor(), "authentication_required"),
    ):
        seen = {path: caller.get(f"staff/{path}").code for path in ROUTES}
        stage.check(f"{name} sees nothing of it", holds=set(seen.values()) == {code}, seen=seen)
    mine = stage.staff().get("conversions/jobs/")
    stage.check("staff is in no tenant by that", holds=mine.status == 403, seen=mine)
    theirs = stage.staff().get("conversions/jobs/", X_Tenant=owner.slug)
    stage.expect("nor in one that they name", theirs, "permission_denied")


def figures(stage: Stage) -> None:
    """Counts that move when something happens."""
    staff = stage.staff()
    before, trend = staff.get("staff/stats/").json, staff.get("staff/analytics/registrations/").json
    newcomer(stage)
    after, later = staff.get("staff/stats/").json, staff.get("staff/analytics/registrations/").json
    grown = [total(after, name) - total(before, name) for name in ("users", "tenants")]
    stage.check(
        "one registration: one more person, one more tenant", holds=grown == [1, 1], seen=grown
    )
    today = datetime.now(UTC).date().isoformat()
    days = [next((d for d in t["items"] if d["date"] == today), None) for t in (trend, later)]
    moved = days[0] and days[1] and days[1]["users"] - days[0]["users"]
    stage.check("the trend of registrations shows it today", holds=moved == 1, seen=days)
    stage.check("30 days of it", holds=len(later["items"]) == 30, seen=len(later["items"]))
    sums = sum(day["users"] for day in later["items"])
    stage.check("and their sum", holds=later["total"]["users"] == sums, seen=later["total"])
    worked = staff.get("staff/analytics/conversions/").json
    stage.check("conversions by day", holds=worked["items"] and "accepted" in worked["total"])
    some = staff.get("staff/analytics/registrations/?from=2026-01-01&to=2026-01-07").json
    stage.check("a week that is asked for", holds=len(some["items"]) == 7)


def total(stats: dict[str, Any], name: str) -> int:
    """A count of the statistics."""
    return int(stats[name]["total"])


def lists(stage: Stage, owner: Any) -> None:
    """Tenants and people, found by words."""
    staff = stage.staff()
    found = staff.get(f"staff/tenants/?q={owner.slug}").json["items"]
    row = found[0] if found else {}
    stage.check(
        "a tenant is found",
        holds=(row.get("slug"), row.get("plan")) == (owner.slug, "free"),
        seen=row,
    )
    one = staff.get(f"staff/tenants/{row['id']}/").json
    stage.check("and shown", holds=one["members"] == 1 and one["status"] == "active", seen=one)
    user = staff.get(f"staff/users/?q={owner.email}").json["items"]
    stage.check("a person is found", holds=[u["id"] for u in user] == [owner.id], seen=user)
    stage.check("without secrets", holds="password" not in str(user) and "argon2" not in str(user))
    only = staff.get("staff/users/?staff=true&limit=200").json["items"]
    stage.check("staff alone", holds=only and all(u["is_staff"] and u["mfa_enabled"] for u in only))


def people(stage: Stage, owner: Any) -> None:
    """Keep somebody out, let them in again."""
    staff, person = stage.staff(), guest(stage, owner, "member")
    inside = person.inside()
    staff.post(f"staff/users/{person.id}/disable/")
    stage.expect("kept out at the next request", inside.get("auth/me/"), "token_expired")
    stage.expect("and at the door", person.log_in(), "invalid_credentials")
    staff.post(f"staff/users/{person.id}/enable/")
    again = person.log_in()
    stage.check("let in again", holds=again.status == 200, seen=again)
    me = staff.get("auth/me/").json["id"]
    own = staff.post(f"staff/users/{me}/disable/")
    stage.check("nobody locks themselves out", holds=own.status in (403, 409, 422), seen=own)
    stage.expect("no such person", staff.post("staff/users/none/disable/"), "not_found")


def plans(stage: Stage, owner: Any) -> None:
    """In force at the next request."""
    staff, inside = stage.staff(), owner.inside()
    place = f"staff/tenants/{inside.get('tenant/').json['id']}/change-plan/"
    changed = staff.post(place, {"plan": "professional"})
    stage.check("another plan", holds=changed.json.get("plan") == "professional", seen=changed)
    stage.check(
        "the tenant sees it", holds=inside.get("conversions/quota/").json["plan"] == "professional"
    )
    odd = staff.post(place, {"plan": stage.word()})
    stage.check("no such plan", holds=odd.status in (404, 422), seen=odd)


def letters(stage: Stage, owner: Any) -> None:
    """A mail to those whom filters find."""
    subject = f"News {stage.name()}"
    wish: dict[str, Any] = {
        "subject": subject,
        "body": f"Hello {stage.word()}",
        "to": {"user_ids": [owner.id]},
    }
    sent = stage.staff().post("staff/emails/", wish)
    stage.check(
        "a mail is ordered", holds=(sent.status, sent.json.get("recipients")) == (202, 1), seen=sent
    )
    mail = stage.letters.wait(owner.email, subject)
    stage.check("it arrives", holds=wish["body"] in mail.as_string())
    injected = stage.staff().post("staff/emails/", {**wish, "subject": "a\r\nBcc: x@y.example"})
    stage.expect("a subject of two lines", injected, "validation_error")
