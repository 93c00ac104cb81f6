"""Requests an hour: told on each answer, refused past the plan, open without Redis."""

from __future__ import annotations

import re

import pytest
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache

from tests.client import Api
from tests.factories.tenants import Tenant, make_tenant
from tests.product import Product


def remaining(headers: object) -> int:
    found = re.fullmatch(r'"requests";r=(\d+);t=\d+', headers["RateLimit"])  # type: ignore[index]
    assert found
    return int(found[1])


def test_every_answer_tells_the_limit_and_what_is_left(acme: Tenant) -> None:
    one, two = acme.api.get("conversions/jobs/"), acme.api.get("nothing/")

    assert one.headers["RateLimit-Policy"] == '"requests";q=20000;w=3600'
    assert remaining(two.headers) == remaining(one.headers) - 1


def test_past_the_limit_the_answer_is_429_until_the_next_hour() -> None:
    tenant = make_tenant(requests_per_hour=5)

    replies = [tenant.api.get("conversions/jobs/") for _ in range(7)]

    assert [reply.status for reply in replies] == [200] * 5 + [429] * 2
    assert [remaining(reply.headers) for reply in replies] == [4, 3, 2, 1, 0, 0, 0]
    assert replies[-1].code == "rate_limited"
    assert 1 <= int(replies[-1].headers["Retry-After"]) <= 3600


def test_key_and_token_share_the_tenants_limit_and_not_another_tenants(globex: Tenant) -> None:
    tenant = make_tenant(requests_per_hour=5)
    owner = tenant.owner
    for _ in range(5):
        tenant.api.get("conversions/jobs/")

    assert owner.get("conversions/jobs/").code == "rate_limited"
    assert globex.api.get("conversions/jobs/").status == 200


def test_strangers_share_the_limit_of_their_address(visitor: Api) -> None:
    reply = visitor.get("billing/plans/")

    assert reply.headers["RateLimit-Policy"] == '"requests";q=3000;w=3600'


def test_without_redis_the_api_stays_open(
    acme: Tenant, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = RedisCache(f"redis://127.0.0.1:{product.dead_port}/0", {})
    monkeypatch.setattr(caches._connections, "platform", dead, raising=False)  # type: ignore[attr-defined]

    reply = acme.api.get("conversions/jobs/")

    assert reply.status == 200
    assert "RateLimit" not in reply.headers


def test_without_the_broker_a_job_is_accepted_and_waits(
    acme: Tenant, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kombu.exceptions import OperationalError

    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError("Error 111 connecting to Redis")

    monkeypatch.setattr("core.queue.current_app.send_task", away)

    reply = acme.api.convert()

    assert reply.status == 202
    assert acme.api.get(f"conversions/jobs/{reply.json['id']}/").json["status"] == "pending"
