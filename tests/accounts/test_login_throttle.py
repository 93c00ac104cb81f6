"""Guessing passwords: counted by account and address, and never free."""

from __future__ import annotations

import secrets

import pytest

from core import attempts
from tests.client import Api, Reply, somewhere
from tests.factories.tenants import make_tenant
from tests.product import Product
from tests.threads import at_once


def log_in(username: str, password: str, address: str) -> Reply:
    body = {"username": username, "password": password}
    return Api(address=address).post("auth/login/", body)


def test_the_sixth_wrong_password_from_one_address_is_refused(product: Product) -> None:
    tenant = make_tenant()
    here, elsewhere = somewhere(), somewhere()

    replies = [log_in(tenant.username, "wrong", here) for _ in range(7)]
    right = log_in(tenant.username, tenant.password, here)
    owner = log_in(tenant.username, tenant.password, elsewhere)

    assert [reply.status for reply in replies] == [401] * 5 + [429] * 2
    assert replies[5].code == "too_many_attempts"
    assert int(replies[5].headers["Retry-After"]) > 0
    assert (right.status, owner.status) == (429, 200)


def test_right_passwords_are_not_counted(product: Product) -> None:
    tenant = make_tenant()
    here = somewhere()

    replies = [log_in(tenant.username, tenant.password, here) for _ in range(8)]

    assert [reply.status for reply in replies] == [200] * 8


def test_guesses_at_once_get_exactly_five_answers(product: Product) -> None:
    tenant = make_tenant()
    here = somewhere()

    replies = at_once(12, lambda _: log_in(tenant.username, "wrong", here), threads=12)

    assert sorted(reply.status for reply in replies) == [401] * 5 + [429] * 7


def test_an_address_that_tries_many_accounts_is_refused(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(attempts.LIMITS, "address", 3)
    here = somewhere()

    replies = [log_in(secrets.token_hex(6), "wrong", here) for _ in range(5)]

    assert [reply.status for reply in replies] == [401] * 3 + [429] * 2


def test_without_redis_logging_in_is_closed(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = make_tenant()

    def away(keys: list[str], mark: str) -> int:
        raise ConnectionError("no Redis")

    monkeypatch.setattr(attempts, "count", away)

    reply = log_in(tenant.username, tenant.password, somewhere())

    assert (reply.status, reply.code) == (503, "service_unavailable")


def test_a_thousand_guesses_get_five_answers_and_the_owner_still_gets_in(
    product: Product,
) -> None:
    tenant = make_tenant()
    here, elsewhere = somewhere(), somewhere()

    replies = at_once(1000, lambda _: log_in(tenant.username, "wrong", here), threads=16)
    owner = log_in(tenant.username, tenant.password, elsewhere)

    assert sorted({reply.status for reply in replies}) == [401, 429]
    assert sum(reply.status == 401 for reply in replies) == 5
    assert all(int(r.headers["Retry-After"]) > 0 for r in replies if r.status == 429)
    assert owner.status == 200


def test_a_thousand_guesses_from_everywhere_get_fifty_answers(product: Product) -> None:
    tenant = make_tenant()
    addresses = [somewhere() for _ in range(100)]

    replies = at_once(
        1000, lambda n: log_in(tenant.username, "wrong", addresses[n % 100]), threads=16
    )

    assert sum(reply.status == 401 for reply in replies) == 50
    assert sum(reply.status == 429 for reply in replies) == 950


def test_the_window_slides(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant, here = make_tenant(), somewhere()
    for _ in range(5):
        log_in(tenant.username, "wrong", here)

    refused = log_in(tenant.username, tenant.password, here)
    # An hour's turn changes nothing; time does.
    for key in attempts.counters(tenant.user_id, here):
        client = attempts.redis()
        for mark, at in client.zrange(key, 0, -1, withscores=True):
            client.zadd(key, {mark: at - attempts.WINDOW_S})
    later = log_in(tenant.username, tenant.password, here)

    assert refused.status == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= attempts.WINDOW_S
    assert later.status == 200
