"""Requests an hour: told on each answer, refused past the plan, open without Redis."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches

from core.cache import CountingCache, OneClientCache
from tests.client import Api
from tests.factories.jobs import make_completed_job
from tests.factories.tenants import Tenant, make_tenant
from tests.product import Product
from tests.threads import at_once


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


def test_without_redis_the_api_stays_open_with_a_warning_and_the_login_is_closed(
    acme: Tenant,
    product: Product,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    acme.api.get("conversions/jobs/")  # the key is remembered
    for name, cache in (("platform", OneClientCache), ("limits", CountingCache)):
        dead = cache(f"redis://127.0.0.1:{product.dead_port}/0", {})
        monkeypatch.setattr(caches._connections, name, dead, raising=False)  # type: ignore[attr-defined]

    with caplog.at_level("WARNING", "filemill.limits"):
        reply = acme.api.get("conversions/jobs/")
        login = Api().post("auth/login/", {"username": acme.username, "password": acme.password})

    assert reply.status == 200
    assert "RateLimit" not in reply.headers
    assert "no rate limit without Redis" in caplog.text
    assert (login.status, login.code) == (503, "service_unavailable")


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


LIST_ITEM = re.compile(
    r'^"[a-z]+"(;[a-z]+=\d+)+$'
)  # RFC 9651: a List of one String with parameters


def test_fifty_clients_at_once_get_exactly_the_limit() -> None:
    tenant = make_tenant(requests_per_hour=100)
    key, owner = tenant.api, tenant.owner
    before = 100 - remaining(key.get("conversions/quota/").headers)

    replies = at_once(
        200, lambda n: (owner if n % 2 else key).get("conversions/quota/"), threads=50
    )

    passed = [reply for reply in replies if reply.status == 200]
    refused = [reply for reply in replies if reply.status == 429]
    assert (len(passed), len(refused)) == (100 - before, 100 + before)
    left = sorted(remaining(reply.headers) for reply in passed)
    assert left == list(range(100 - before))  # each was told another number
    for reply in refused:
        assert reply.headers["RateLimit"] == f'"requests";r=0;t={reply.headers["Retry-After"]}'
        assert reply.headers["RateLimit-Policy"] == '"requests";q=100;w=3600'


@pytest.mark.parametrize("plan", ["free", "basic", "professional"])
def test_each_plans_limit_is_told(plan: str) -> None:
    limits = {"free": 1000, "basic": 5000, "professional": 20_000}

    headers = make_tenant(plan=plan).api.get("conversions/quota/").headers

    assert headers["RateLimit-Policy"] == f'"requests";q={limits[plan]};w=3600'
    assert LIST_ITEM.match(headers["RateLimit"])
    assert LIST_ITEM.match(headers["RateLimit-Policy"])


def test_a_new_limit_holds_from_the_next_request() -> None:
    tenant = make_tenant(plan="free")
    tenant.api.get("conversions/quota/")
    from billing.services import change_plan

    change_plan(tenant_id=tenant.id, plan_code="basic")

    policy = tenant.api.get("conversions/quota/").headers["RateLimit-Policy"]
    assert policy == '"requests";q=5000;w=3600'


def test_a_read_with_a_key_takes_one_trip_to_redis_and_few_queries(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from redis.connection import Connection

    job = acme.api.convert().json["id"]
    acme.api.get(f"conversions/jobs/{job}/")
    real: Any = Connection.send_packed_command
    sent = []

    def send(self: Connection, *args: object, **more: object) -> object:
        sent.append(args)
        return real(self, *args, **more)

    monkeypatch.setattr(Connection, "send_packed_command", send)
    monkeypatch.setattr("tenants.middleware.SAMPLED", 0.0)  # the identity row is 1 % of requests
    figures = []
    for _ in range(3):
        sent.clear()
        with CaptureQueriesContext(connection) as queries:
            acme.api.get(f"conversions/jobs/{job}/")
        figures.append((len(sent), len(queries)))

    assert len(set(figures)) == 1, figures
    assert figures[0] == (1, 3)  # the row; while it waits also the schema and its place


def test_a_read_of_an_ended_job_is_one_query_that_names_its_schema(
    acme: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    job = make_completed_job(acme, tmp_path)
    acme.api.get(f"conversions/jobs/{job}/")
    monkeypatch.setattr("tenants.middleware.SAMPLED", 0.0)

    with CaptureQueriesContext(connection) as queries:
        reply = acme.api.get(f"conversions/jobs/{job}/")

    (asked,) = [query["sql"] for query in queries]
    assert f'FROM "{acme.schema}".conversions_job' in asked
    assert reply.json["status"] == "completed"


def test_uploads_are_throttled_by_the_minute_and_other_calls_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("core.limits.LEAST_UPLOADS_A_MINUTE", 3)
    tenant = make_tenant(requests_per_hour=12)

    replies = at_once(7, lambda _: tenant.api.convert(), threads=7)
    refused = next(reply for reply in replies if reply.status == 429)

    # Twice three where the minute has turned between them.
    assert 3 <= sum(reply.status == 202 for reply in replies) <= 6
    assert refused.code == "rate_limited"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert tenant.api.get("conversions/quota/").status == 200
