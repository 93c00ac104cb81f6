"""Line 6: requests an hour, uploads a minute, failed logins; exact, whoever asks at once."""

from __future__ import annotations

import re
from typing import Any

from loadtests.access.callers import Caller, Reply
from loadtests.access.people import Person, newcomer
from loadtests.access.stage import Stage

FREE, BASIC = 1000, 5000  # requests an hour
UPLOADS = 250  # a minute on Free: a quarter of the hour's requests
CALLERS = 50
CHEAP = "tenant/permissions/"
LEFT = re.compile(r'^"requests";r=(\d+);t=(\d+)$')
PAIR, ACCOUNT, ADDRESS = 5, 50, 100  # failed logins in 15 minutes


def play(stage: Stage) -> None:
    """Headers, the hour, the minute, the login."""
    owner = newcomer(stage)
    key = owner.keyed(scopes=["conversions:read"])
    headers(stage, owner, key)
    if not stage.is_brief:
        uploads(stage, key)
        the_hour(stage, owner, key)
    failed_logins(stage)
    stage.note("life without Redis is seen in tests/core/test_limits.py")


def left(reply: Reply) -> tuple[int, int]:
    """Requests left, seconds to the next hour."""
    found = LEFT.match(reply.headers["RateLimit"])
    assert found, reply.headers["RateLimit"]
    return int(found[1]), int(found[2])


def headers(stage: Stage, owner: Person, key: Caller) -> None:
    """On good answers and bad ones, counted by tenant."""
    first, second, third = key.get(CHEAP), key.get("tenant/nothing/"), key.post(CHEAP)
    policies = {reply.headers["RateLimit-Policy"] for reply in (first, second, third)}
    stage.check(
        "200, 404 and 405 tell the policy of Free",
        holds=policies == {f'"requests";q={FREE};w=3600'},
        seen=policies,
    )
    counts = [left(reply)[0] for reply in (first, second, third)]
    stage.check(
        "and count down one by one", holds=counts == [counts[0] - n for n in range(3)], seen=counts
    )
    person = left(owner.inside().get(CHEAP))[0]
    stage.check(
        "a person of the tenant counts together with its keys", holds=person == counts[2] - 1
    )
    stranger = stage.visitor().get(CHEAP)
    stage.check("strangers are counted too", holds=left(stranger)[0] > 0, seen=stranger)


def uploads(stage: Stage, key: Caller) -> None:
    """A throttle of their own."""
    sent = 320
    found = spread(stage, key, sent, lambda caller: caller.convert("x.png", b"x", "webp"))
    through = sum(reply.code == "scope_missing" for reply in found)
    refused = [reply for reply in found if reply.code == "rate_limited"]
    # The minute may turn once meanwhile, which lets the rest through; never fewer than the limit.
    turned = through > UPLOADS
    stage.check(
        f"of {sent} uploads {through} got through, {UPLOADS} are allowed in a minute",
        holds=through == UPLOADS or (turned and through <= 2 * UPLOADS),
        seen=through,
    )
    told = not refused or all(0 < int(r.headers["Retry-After"]) <= 60 for r in refused)
    stage.check("Retry-After tells the seconds to the next minute", holds=told)
    reads = key.get(CHEAP)
    stage.check("reading goes on", holds=reads.status == 200, seen=reads)


def spread(stage: Stage, key: Caller, calls: int, call: Any) -> list[Reply]:
    """So many calls by 50 clients that start together."""
    clients = [key.at() for _ in range(CALLERS)]
    shares = [range(number, calls, CALLERS) for number in range(CALLERS)]
    found = stage.everyone(CALLERS, lambda n: [call(clients[n]) for _ in shares[n]])
    for client in clients:
        client.http.close()
    return [reply for share in found for reply in share]


def the_hour(stage: Stage, owner: Person, key: Caller) -> None:
    """Exact under 50 concurrent clients; another plan at the next request."""
    remaining, seconds = left(key.get(CHEAP))
    if seconds < 45:
        stage.until(lambda: left(key.get(CHEAP))[1] > 45, 60)
        remaining = left(key.get(CHEAP))[0]
    found = spread(stage, key, remaining + 60, lambda caller: caller.get(CHEAP))
    through = sum(reply.status == 200 for reply in found)
    stage.check(
        f"{CALLERS} clients, {remaining + 60} requests, {remaining} left: {through} got through",
        holds=through == remaining,
        seen=through,
    )
    refused = next(reply for reply in found if reply.status != 200)
    stage.check(
        "the rest: rate_limited, retryable, Retry-After, nothing left",
        holds=refused.code == "rate_limited"
        and refused.json["retryable"]
        and int(refused.headers["Retry-After"]) > 0
        and left(refused)[0] == 0,
        seen=refused,
    )
    other = newcomer(stage).inside().get(CHEAP)
    stage.check("another tenant does not notice", holds=other.status == 200, seen=other)
    place = f"staff/tenants/{tenant_of(stage, owner)}/change-plan/"
    stage.staff().post(place, {"plan": "basic"})
    more = key.get(CHEAP)
    stage.check(
        "on another plan at the next request",
        holds=more.headers["RateLimit-Policy"] == f'"requests";q={BASIC};w=3600'
        and more.status == 200,
        seen=more,
    )


def tenant_of(stage: Stage, owner: Person) -> str:
    """The id of a tenant that has used up its requests, from the staff's list."""
    found = stage.staff().get(f"staff/tenants/?q={owner.slug}").json["items"]
    return next(str(item["id"]) for item in found if item["slug"] == owner.slug)


def failed_logins(stage: Stage) -> None:
    """Counted before the password is looked at: by account and address, account, address."""
    if not stage.wire.is_local:
        stage.note("failed logins not tried: callers can't choose an address there")
        return
    person = newcomer(stage)
    pairs(stage, person)
    if stage.is_brief:
        stage.note("the hour, the minute, 50 and 100 guesses: tests/core, tests/accounts")
        return
    one_account(stage)
    one_address(stage)


def guess(stage: Stage, name: str, address: str, **more: str) -> str:
    """A wrong login."""
    body = {"username": name, "password": f"{stage.word()}-wrong-1", **more}
    return stage.visitor(address).post("auth/login/", body).code


def pairs(stage: Stage, person: Person) -> None:
    """Five for an account from one address."""
    attacker = stage.address()
    found = stage.everyone(20, lambda _: guess(stage, person.username, attacker))
    stage.check(
        f"20 guesses at once: {PAIR} are answered, the rest throttled",
        holds=(found.count("invalid_credentials"), found.count("too_many_attempts"))
        == (PAIR, 20 - PAIR),
        seen=found,
    )
    for name in (person.username.upper(), f" {person.username} ", person.email):
        code = guess(stage, name, attacker)
        stage.check(
            f"written as {name!r} it is the same account",
            holds=code == "too_many_attempts",
            seen=code,
        )
    names = {"username": person.username, "password": person.password}
    right = stage.visitor(attacker).post("auth/login/", names)
    stage.check(
        "the right password is refused there too, with Retry-After",
        holds=right.code == "too_many_attempts" and 0 < int(right.headers["Retry-After"]) <= 900,
        seen=right,
    )
    said = stage.visitor(attacker).post(
        "auth/login/", names, headers={"X-Forwarded-For": person.address}
    )
    stage.expect("whoever says to come from elsewhere does not", said, "too_many_attempts")
    dashboard = stage.visitor(attacker).post("auth/session/", names)
    stage.expect("the dashboard's door counts with it", dashboard, "too_many_attempts")
    home = person.log_in()
    stage.check("their own address gets in", holds=home.status == 200, seen=home)


def one_account(stage: Stage) -> None:
    """Fifty for an account, from wherever."""
    person = newcomer(stage)
    places = [stage.address() for _ in range(ACCOUNT // PAIR + 2)]
    calls = [place for place in places for _ in range(PAIR)]
    found = stage.everyone(len(calls), lambda n: guess(stage, person.username, calls[n]))
    answered = found.count("invalid_credentials")
    stage.check(
        f"{len(calls)} guesses from {len(places)} addresses: {ACCOUNT} are answered",
        holds=answered == ACCOUNT,
        seen=answered,
    )


def one_address(stage: Stage) -> None:
    """A hundred from one address, at whatever account."""
    attacker = stage.address()
    calls = ADDRESS + 15
    names = [stage.name() for _ in range(calls)]
    found = stage.everyone(calls, lambda n: guess(stage, names[n], attacker))
    answered = found.count("invalid_credentials")
    stage.check(
        f"{calls} guesses at as many names from one address: {ADDRESS} are answered",
        holds=answered == ADDRESS,
        seen=answered,
    )
    other = newcomer(stage).log_in()
    stage.check("somebody on another address gets in", holds=other.status == 200, seen=other)
