"""Two verbs at once on one job: one terminal state, the charge follows it, no file is left."""

from __future__ import annotations

import threading
from importlib import import_module
from pathlib import Path

import pytest

from conversions.engines.spec import EngineCall, EngineResult, EngineSpec
from conversions.models import Job
from conversions.services import cancel_job, run_job
from conversions.verification import Report
from core.errors import AppError
from core.outbox.models import OutboxEvent
from core.tenancy import in_tenant
from sandbox import stopping
from tests.factories.jobs import fail_job, make_job, stored_files, ticket_of
from tests.factories.tenants import make_tenant
from tests.product import Product
from tests.threads import at_once

RUN_STEP = import_module("conversions.services.run_step")
RUN_STEPS = import_module("conversions.services.run_steps")
ENDS = ("job.completed", "job.failed", "job.canceled")


def ends(job_id: str) -> list[str]:
    found = OutboxEvent.objects.filter(payload__id=job_id, type__in=ENDS).order_by("sequence")
    return list(found.values_list("type", flat=True))


def works(spec: EngineSpec, call: EngineCall) -> EngineResult:
    call.target.write_bytes(b"result")
    return EngineResult(outputs=(call.target,))


def instead(monkeypatch: pytest.MonkeyPatch, engine: object) -> None:
    good = Report(verdict="verified", checks=())
    monkeypatch.setattr(RUN_STEP, "execute", engine)
    monkeypatch.setattr(RUN_STEPS, "verify", lambda *args, **kwargs: good)


def test_cancel_and_completion_a_hundred_times(monkeypatch: pytest.MonkeyPatch) -> None:
    instead(monkeypatch, works)
    tenant = make_tenant()
    jobs = [make_job(tenant) for _ in range(100)]
    tickets = [ticket_of(job_id) for job_id in jobs]

    def race(number: int) -> None:
        with in_tenant(tenant.schema):
            if number % 2:
                run_job(ticket_id=tickets[number // 2])
                return
            try:
                cancel_job(job_id=jobs[number // 2], tenant_slug=tenant.slug)
            except AppError as error:
                assert error.code == "job_not_cancelable"

    at_once(200, race, threads=4)

    with in_tenant(tenant.schema):
        states = list(Job.objects.filter(pk__in=jobs).values_list("status", flat=True))
    assert set(states) <= {"completed", "canceled"}
    assert [len(ends(job_id)) for job_id in jobs] == [1] * 100
    assert tenant.api.quota() == (states.count("completed"), 0)


def test_a_canceled_engine_is_stopped_and_a_retry_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, stopped = threading.Event(), threading.Event()

    def endless(spec: EngineSpec, call: EngineCall) -> EngineResult:
        if begun.is_set():
            return works(spec, call)
        begun.set()
        pause = threading.Event()
        try:
            for _ in range(500):  # ten seconds, should nobody stop it
                stopping.go_on()
                pause.wait(0.02)
            return works(spec, call)
        except stopping.Stopped:
            stopped.set()
            raise

    instead(monkeypatch, endless)
    tenant = make_tenant()
    job_id = make_job(tenant)
    ticket = ticket_of(job_id)

    def part(number: int) -> None:
        with in_tenant(tenant.schema):
            if number == 0:
                run_job(ticket_id=ticket)
                return
            assert begun.wait(20)
            cancel_job(job_id=job_id, tenant_slug=tenant.slug)
            assert stopped.wait(2)

    at_once(2, part, threads=2)
    assert tenant.api.post(f"conversions/jobs/{job_id}/retry/").status == 202
    with in_tenant(tenant.schema):
        run_job(ticket_id=ticket_of(job_id))

    assert ends(job_id) == ["job.canceled", "job.completed"]
    assert tenant.api.quota() == (1, 0)


def test_a_retry_while_the_old_worker_still_runs_has_a_ticket() -> None:
    from dispatch.services import claim

    tenant = make_tenant()
    job_id = make_job(tenant)
    old = ticket_of(job_id)
    claim(old)
    tenant.api.post(f"conversions/jobs/{job_id}/cancel/")

    tenant.api.post(f"conversions/jobs/{job_id}/retry/")

    assert ticket_of(job_id) != old


def test_of_eight_retries_one_is_taken() -> None:
    tenant = make_tenant()
    job_id = make_job(tenant)
    fail_job(tenant, job_id)

    codes = at_once(8, lambda _: tenant.api.post(f"conversions/jobs/{job_id}/retry/").status)

    assert sorted(codes) == [202, *[409] * 7]
    assert tenant.api.quota() == (0, 1)


def test_delete_while_running_leaves_neither_file_nor_charge(
    product: Product, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tenant = make_tenant()
    job_id = make_job(tenant)

    def deleted_meanwhile(spec: EngineSpec, call: EngineCall) -> EngineResult:
        at_once(1, lambda _: tenant.api.delete(f"conversions/jobs/{job_id}/"))
        return works(spec, call)

    instead(monkeypatch, deleted_meanwhile)
    with in_tenant(tenant.schema):
        run_job(ticket_id=ticket_of(job_id))

    assert tenant.api.get(f"conversions/jobs/{job_id}/").status == 404
    assert stored_files(product.storage, tenant) == []
    assert tenant.api.quota() == (0, 0)
