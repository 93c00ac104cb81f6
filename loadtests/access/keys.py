"""Line 5: API keys from their making to their end."""

from __future__ import annotations

import re
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

from loadtests.access.people import Person, newcomer
from loadtests.access.stage import Stage

PATTERN = re.compile(r"^fm_(live|test)_[0-9A-Za-z]{8}\.[0-9A-Za-z]{38}$")  # docs/reference/api-keys
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
READ = "conversions/jobs/"


def play(stage: Stage) -> None:
    """Made, bound, tried, rotated, revoked, counted, leaked."""
    owner = newcomer(stage)
    made(stage, owner)
    bounds(stage, owner)
    tests(stage, owner)
    rotated(stage, owner)
    revoked(stage, owner)
    counted(stage, owner)
    leaked(stage, owner)


def checksum(text: str) -> str:
    """The last six characters of a key, computed as docs/reference/api-keys.md says."""
    value, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        value, digit = divmod(value, 62)
        digits = BASE62[digit] + digits
    return digits


def made(stage: Stage, owner: Person) -> None:
    """Format, checksum, shown once."""
    key = owner.make_key()
    text, place = key["key"], f"auth/api-keys/{key['id']}/"
    stage.check("the format is the documented one", holds=PATTERN.match(text), seen=text)
    stage.check("it ends with its checksum", holds=checksum(text[:-6]) == text[-6:])
    shown = [owner.inside().get(path).text for path in (place, "auth/api-keys/?limit=200")]
    secret = text.partition(".")[2]
    stage.check("shown once", holds=not any(secret in page for page in shown))
    default = {"conversions", "media", "webhooks"}
    scopes = {scope.partition(":")[0] for scope in key["scopes"]}
    stage.check("its default scopes", holds=scopes == default and len(key["scopes"]) == 6)
    stage.check("it opens", holds=stage.visitor().with_key(text).get(READ).status == 200)
    at = stage.random.randrange(20, 40)
    bent = text[:at] + ("a" if text[at] != "a" else "b") + text[at + 1 :]
    for name, wrong in (
        ("mistyped", bent),
        ("of another's making", f"{bent[:-6]}{checksum(bent[:-6])}"),
        ("cut short", text[:-1]),
        ("empty", "x"),
    ):
        reply = stage.visitor().with_key(wrong).get(READ)
        stage.expect(f"a key {name}", reply, "key_invalid")
    wish = {"name": "x", "scopes": [stage.word()]}
    stage.expect(
        "no such scope", owner.inside().post("auth/api-keys/generate/", wish), "validation_error"
    )


def soon(seconds: float) -> str:
    """A time from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def bounds(stage: Stage, owner: Person) -> None:
    """Scopes, an end, networks."""
    reader = owner.keyed(scopes=["conversions:read"])
    stage.check("what its scope allows", holds=reader.get(READ).status == 200)
    denied = reader.post("conversions/presets/", {"name": "x", "steps": {}})
    stage.expect("what it does not", denied, "scope_missing")
    past = owner.inside().post("auth/api-keys/generate/", {"name": "x", "expires_at": soon(-60)})
    stage.expect("an end that is past", past, "validation_error")
    brief = owner.keyed(expires_at=soon(2.5))
    stage.check("it works before its end", holds=brief.get(READ).status == 200)
    ended = stage.until(lambda: brief.get(READ).code == "key_expired", 10)
    stage.check("not after", holds=ended)
    home = stage.address()
    away = stage.address()
    net = home.rpartition(".")[0] + ".0/24"
    bound = owner.make_key(allowed_ips=[home])
    here, there = (
        stage.visitor(home).with_key(bound["key"]),
        stage.visitor(away).with_key(bound["key"]),
    )
    if stage.wire.is_local:
        stage.check(f"from {home}, where it may be used", holds=here.get(READ).status == 200)
        stage.expect(f"from {away}, where not", there.get(READ), "permission_denied")
        said = there.get(READ, X_Forwarded_For=home)
        stage.expect("whoever says to be there is not", said, "permission_denied")
        place = f"auth/api-keys/{bound['id']}/"
        owner.inside().patch(place, {"allowed_ips": [away.rpartition(".")[0] + ".0/24"]})
        stage.expect("other networks hold at the next request", here.get(READ), "permission_denied")
        stage.check("for both", holds=there.get(READ).status == 200)
        owner.inside().patch(place, {"allowed_ips": [net]})
        stage.check(f"a whole network: {net}", holds=here.get(READ).status == 200)
    else:
        stage.note("networks not tried: the product is not on this machine")
    odd = owner.inside().post(
        "auth/api-keys/generate/", {"name": "x", "allowed_ips": ["10.0.0.300"]}
    )
    stage.expect("what is no network", odd, "validation_error")


def used(owner: Person) -> tuple[int, int]:
    """Conversions charged and reserved."""
    figures = owner.inside().get("conversions/quota/").json["conversions"]
    return figures["used"], figures["reserved"]


def tests(stage: Stage, owner: Person) -> None:
    """Test keys work for real, and cost nothing."""
    key = owner.make_key(test=True)
    stage.check("a test key says so", holds=key["key"].startswith("fm_test_") and key["test"])
    before = used(owner)
    sent = (
        stage.visitor()
        .with_key(key["key"])
        .convert(f"{stage.word()}.png", stage.picture(), "webp", params={"wait": 30})
    )
    stage.check(
        "it converts, marked as a test",
        holds=(sent.json.get("status"), sent.json.get("test")) == ("completed", True),
        seen=sent,
    )
    stage.check("uncharged", holds=used(owner) == before, seen=used(owner))


def rotated(stage: Stage, owner: Person) -> None:
    """A new key beside the old one for a while."""
    old = owner.make_key(scopes=["conversions:read", "webhooks:read"], retention_hours=5)
    before = stage.visitor().with_key(old["key"])
    place = f"auth/api-keys/{old['id']}/rotate/"
    made_now = owner.inside().post(place, {"overlap_seconds": 3})
    new = made_now.json
    after = stage.visitor().with_key(new["key"])
    same = all(new[name] == old[name] for name in ("scopes", "retention_hours", "test", "name"))
    stage.check(
        "the new key is like the old", holds=same and new["replaces"] == old["id"], seen=made_now
    )
    both = [caller.get(READ).status for caller in (before, after)]
    stage.check("both work for the overlap", holds=both == [200, 200], seen=both)
    again = owner.inside().post(place, {"overlap_seconds": 3})
    stage.expect("the old one is not rotated twice", again, "conflict")
    over = stage.until(lambda: before.get(READ).code == "key_expired", 12)
    stage.check("then the old one has ended", holds=over)
    stage.check("the new one works on", holds=after.get(READ).status == 200)
    last = owner.inside().post(f"auth/api-keys/{new['id']}/rotate/", {"overlap_seconds": 0})
    stage.check("rotated without overlap", holds=last.status == 201, seen=last)
    stage.expect("the old one ends at once", after.get(READ), "key_revoked", "key_expired")


def revoked(stage: Stage, owner: Person) -> None:
    """At the next request, in every process."""
    key = owner.make_key()
    callers = [stage.visitor().with_key(key["key"]) for _ in range(12)]
    warm = stage.everyone(12, lambda n: callers[n].get(READ).status)
    stage.check("a key in use", holds=set(warm) == {200})
    owner.inside().delete(f"auth/api-keys/{key['id']}/")
    found = stage.everyone(12, lambda n: callers[n].get(READ).code)
    stage.check(
        "revoked, 12 callers are refused at their next request",
        holds=set(found) == {"key_revoked"},
        seen=found,
    )
    again = owner.inside().delete(f"auth/api-keys/{key['id']}/")
    stage.check("revoking twice does no harm", holds=again.status == 204, seen=again)
    changed = owner.inside().patch(f"auth/api-keys/{key['id']}/", {"name": "back"})
    stage.expect("nothing brings it back", changed, "conflict")


def counted(stage: Stage, owner: Person) -> None:
    """Last used, requests and errors by day."""
    key = owner.make_key(scopes=["conversions:read"])
    caller, good, bad = stage.visitor().with_key(key["key"]), stage.random.randrange(3, 9), 2
    for _ in range(good):
        caller.get(READ)
    for _ in range(bad):
        caller.get("tenant/members/")
    place = f"auth/api-keys/{key['id']}/"

    def usage() -> dict[str, Any] | None:
        found: dict[str, Any] = owner.inside().get(f"{place}usage/?days=2").json
        return found if found["requests"] >= good + bad else None

    found = stage.until(usage, 15) or {}
    today = datetime.now(UTC).date().isoformat()
    days = {item["date"]: (item["requests"], item["errors"]) for item in found.get("items", [])}
    stage.check(
        f"{good} reads and {bad} refusals are counted for today",
        holds=days.get(today) == (good + bad, bad),
        seen=days,
    )
    last = stage.until(lambda: owner.inside().get(place).json["last_used_at"], 15)
    stage.check("when it was last used", holds=last, seen=last)


def leaked(stage: Stage, owner: Person) -> None:
    """Whoever finds a key tells; it is revoked and its owner told."""
    key = owner.make_key()
    caller, finder = stage.visitor().with_key(key["key"]), stage.visitor()
    body = key["key"][:-6]
    bent = body[:-1] + ("A" if body[-1] != "A" else "B")
    reports = [
        {"token": bent + checksum(bent), "type": "x", "url": "https://example.com/1"},
        {"token": stage.name()},
    ]
    false = finder.post("auth/api-keys/leaks/", reports)
    labels = [item["label"] for item in false.json["items"]]
    stage.check(
        "what is no key of ours changes nothing",
        holds=set(labels) == {"false_positive"},
        seen=false,
    )
    stage.check("it works still", holds=caller.get(READ).status == 200)
    told = finder.post(
        "auth/api-keys/leaks/",
        {"token": key["key"], "source": "a paste", "url": "https://example.com"},
    )
    stage.check(
        "a real one is known", holds=told.json["items"][0]["label"] == "true_positive", seen=told
    )
    stage.expect("and revoked at once", caller.get(READ), "key_revoked")
    mail = stage.letters.wait(owner.email, "was revoked")
    secret = key["key"].partition(".")[2]
    stage.check("its owner is told, without the secret", holds=secret not in mail.as_string())
    again = finder.post("auth/api-keys/leaks/", {"token": key["key"]})
    stage.check("told twice, nothing more", holds=again.status == 200)
