"""Units are reserved before work, and end once: charged or given back."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from django.db import transaction
from django.db.models import Sum

from billing import services as billing
from billing.errors import QuotaExceeded
from billing.models import Reservation
from core.outbox.models import OutboxEvent
from tests.client import Reply
from tests.factories.jobs import complete_job, fail_job, make_job
from tests.factories.tenants import Tenant, make_tenant
from tests.threads import at_once

CREATE_JOB = import_module("conversions.services.create_job")  # its package names the verb alike


def test_an_empty_quota_answers_402_with_the_figures() -> None:
    tenant = make_tenant(plan="free", conversions=0)

    reply = tenant.api.convert()

    assert (reply.status, reply.code) == (402, "quota_exceeded")
    assert reply.json["detail"].startswith("0 of 0 conversions used; resets 20")
    assert tenant.api.quota() == (0, 0)


def test_fifty_callers_at_once_get_exactly_the_ten_that_are_left() -> None:
    tenant = make_tenant(conversions=10)

    replies: list[Reply] = at_once(50, lambda n: tenant.api.convert(f"{n}.png"))

    assert sorted(reply.status for reply in replies) == [202] * 10 + [402] * 40
    assert {reply.code for reply in replies if reply.status == 402} == {"quota_exceeded"}
    assert tenant.api.quota() == (0, 10)
    assert len(tenant.api.get("conversions/jobs/").json["items"]) == 10


def test_a_completed_job_is_charged_and_a_failed_one_is_not(tmp_path: Path) -> None:
    tenant = make_tenant(conversions=10)
    done, failed = make_job(tenant), make_job(tenant)
    before = tenant.api.quota()

    complete_job(tenant, done, tmp_path)
    fail_job(tenant, failed)

    assert before == (0, 2)
    assert tenant.api.quota() == (1, 0)


def test_commit_and_release_count_once() -> None:
    tenant = make_tenant(conversions=10)
    one, two = make_job(tenant), make_job(tenant)

    for _ in range(3):
        billing.commit(ref=f"{one}:1")
        billing.release(ref=f"{two}:1")
        billing.release(ref=f"{one}:1")
        billing.commit(ref=f"{two}:1")

    assert tenant.api.quota() == (1, 0)


def test_twenty_commits_of_one_reservation_at_once_charge_once() -> None:
    tenant = make_tenant(conversions=10)
    job_id = make_job(tenant)

    at_once(20, lambda _: billing.commit(ref=f"{job_id}:1"))

    assert tenant.api.quota() == (1, 0)


def test_a_job_that_could_not_be_written_reserves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tenant = make_tenant(conversions=10)

    def explode(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no steps today")

    monkeypatch.setattr(CREATE_JOB, "insert_steps", explode)

    reply = tenant.api.convert()

    assert (reply.status, reply.code) == (500, "internal_error")
    assert tenant.api.quota() == (0, 0)
    assert tenant.api.get("conversions/jobs/").json["items"] == []


def test_test_keys_are_never_charged(tmp_path: Path) -> None:
    tenant = make_tenant(conversions=0)

    reply = tenant.test_api.convert()
    complete_job(tenant, reply.json["id"], tmp_path)

    assert reply.status == 202
    assert reply.json["test"] is True
    assert tenant.api.quota() == (0, 0)


def test_test_jobs_have_a_daily_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = make_tenant()
    monkeypatch.setattr(CREATE_JOB, "TEST_JOBS_A_DAY", 2)

    statuses = [tenant.test_api.convert().status for _ in range(3)]
    last = tenant.test_api.convert()

    assert statuses == [202, 202, 429]
    assert last.code == "rate_limited"
    assert last.headers["Retry-After"]


def test_the_tenant_is_warned_at_80_percent_and_told_at_the_end_once() -> None:
    tenant = make_tenant(conversions=5)

    for _ in range(6):
        tenant.api.convert()

    told = OutboxEvent.objects.filter(schema_name=tenant.schema, type__startswith="quota.")
    assert list(told.order_by("sequence").values_list("type", flat=True)) == [
        "quota.warning",
        "quota.exceeded",
    ]


def test_the_two_tenants_do_not_share_a_meter(acme: Tenant, globex: Tenant) -> None:
    before = globex.api.quota()

    make_job(acme)

    assert globex.api.quota() == before


def test_the_plans_are_those_of_the_contract(acme: Tenant) -> None:
    plans = {plan["code"]: plan for plan in acme.api.get("billing/plans/").json["items"]}

    assert list(plans) == ["free", "basic", "professional", "enterprise"]
    assert plans["free"]["limits"]["conversions"] == 100
    assert plans["basic"]["prices"]["month"] == 999
    assert plans["professional"]["limits"]["requests_per_hour"] == 20_000
    assert plans["enterprise"]["limits"]["conversions"] is None


def test_fact_24_of_a_thousand_units_exactly_a_thousand_are_given_and_charged_once() -> None:
    tenant = make_tenant(conversions=1000)
    given: list[str] = []  # appending is atomic

    def take_until_refused(worker: int) -> int:
        for number in range(1001):
            ref = f"{tenant.id}:{worker}:{number}"
            try:
                with transaction.atomic():
                    billing.reserve(tenant_id=tenant.id, tenant_slug=tenant.slug, ref=ref, units=1)
            except QuotaExceeded:
                return number
            given.append(ref)
        raise AssertionError("never refused")

    def commit_part(number: int) -> None:
        for ref in given[number::25]:
            billing.commit(ref=ref)

    taken = at_once(50, take_until_refused, threads=50)
    held = tenant.api.quota()
    at_once(50, commit_part, threads=50)

    assert sum(taken) == len(given) == 1000
    assert held == (0, 1000)
    assert tenant.api.quota() == (1000, 0)
    rows = Reservation.objects.filter(meter__tenant_id=tenant.id)
    assert rows.count() == rows.filter(state="committed").count() == 1000
    assert rows.aggregate(units=Sum("units"))["units"] == 1000
