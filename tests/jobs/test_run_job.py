"""One job through the worker's verb, with the engine replaced: ends once, whatever happens."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

import dispatch.services as dispatch
from conversions.engines.spec import (
    EngineCall,
    EngineCrashed,
    EngineResult,
    EngineSpec,
    InputRejected,
)
from conversions.models import Job
from conversions.services import run_job
from conversions.verification import Check, Report
from core.env import env
from core.outbox.models import OutboxEvent
from core.tenancy import in_tenant
from dispatch.models import Ticket
from tests.factories.jobs import make_job, ticket_of
from tests.factories.tenants import Tenant, make_tenant

RUN_JOB = import_module("conversions.services.run_job")
RUN_STEP = import_module("conversions.services.run_step")
RUN_STEPS = import_module("conversions.services.run_steps")
GOOD = Report(verdict="verified", checks=())


def works(spec: EngineSpec, call: EngineCall) -> EngineResult:
    call.target.write_bytes(b"result")
    return EngineResult(outputs=(call.target,))


def work(tenant: Tenant, job_id: str) -> None:
    """What a message does."""
    with in_tenant(tenant.schema):
        run_job(ticket_id=ticket_of(job_id))


def job_of(tenant: Tenant, job_id: str) -> dict[str, object]:
    body: dict[str, object] = tenant.api.get(f"conversions/jobs/{job_id}/").json
    return body


def events(job_id: str) -> list[str]:
    found = OutboxEvent.objects.filter(payload__id=job_id).order_by("sequence")
    return list(found.values_list("type", flat=True))


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An engine that works and a result that holds."""
    monkeypatch.setattr(RUN_STEP, "execute", works)
    monkeypatch.setattr(RUN_STEPS, "verify", lambda *args, **kwargs: GOOD)
    return monkeypatch


def test_a_job_runs_from_created_to_completed(engine: pytest.MonkeyPatch) -> None:
    tenant = make_tenant()
    job_id = make_job(tenant)

    work(tenant, job_id)

    job = job_of(tenant, job_id)
    assert (job["status"], job["progress"], job["attempts"]) == ("completed", 100, 1)
    assert tenant.api.get(f"conversions/jobs/{job_id}/download/").body == b"result"
    assert events(job_id) == ["job.created", "job.started", "job.completed"]
    assert tenant.api.quota() == (1, 0)
    assert list(env().storage.work_folder.iterdir()) == []


def test_a_second_message_does_nothing(engine: pytest.MonkeyPatch) -> None:
    tenant = make_tenant()
    job_id = make_job(tenant)
    ticket = ticket_of(job_id)

    with in_tenant(tenant.schema):
        run_job(ticket_id=ticket)
        run_job(ticket_id=ticket)

    assert events(job_id).count("job.completed") == 1
    assert tenant.api.quota() == (1, 0)


def test_a_rejected_input_fails_at_once(engine: pytest.MonkeyPatch) -> None:
    def rejects(spec: EngineSpec, call: EngineCall) -> EngineResult:
        raise InputRejected("This picture is damaged.", code="file_corrupt")

    engine.setattr(RUN_STEP, "execute", rejects)
    tenant = make_tenant()
    job_id = make_job(tenant)

    work(tenant, job_id)

    job = tenant.api.get(f"conversions/jobs/{job_id}/").json
    assert (job["status"], job["error"]["code"]) == ("failed", "file_corrupt")
    assert events(job_id)[-1] == "job.failed"
    assert tenant.api.quota() == (0, 0)


def test_a_crash_is_tried_three_times(engine: pytest.MonkeyPatch) -> None:
    def crashes(spec: EngineSpec, call: EngineCall) -> EngineResult:
        raise EngineCrashed("Signal 11.")

    engine.setattr(RUN_STEP, "execute", crashes)
    tenant = make_tenant()
    job_id = make_job(tenant)

    for _ in range(3):
        assert job_of(tenant, job_id)["status"] in ("pending", "processing")
        work(tenant, job_id)

    job = tenant.api.get(f"conversions/jobs/{job_id}/").json
    assert (job["status"], job["attempts"]) == ("failed", 3)
    assert job["error"]["code"] == "engine_crashed"
    assert events(job_id) == ["job.created", "job.started", "job.failed"]
    assert tenant.api.quota() == (0, 0)


def test_a_result_that_does_not_hold_never_arrives(engine: pytest.MonkeyPatch) -> None:
    bad = Check(name="pages", ok=False, expected="2", actual="1", note="")
    engine.setattr(RUN_STEPS, "verify", lambda *a, **k: Report(verdict="failed", checks=(bad,)))
    tenant = make_tenant()
    job_id = make_job(tenant)

    work(tenant, job_id)

    job = tenant.api.get(f"conversions/jobs/{job_id}/").json
    assert (job["status"], job["error"]["code"]) == ("failed", "output_invalid")
    assert tenant.api.get(f"conversions/jobs/{job_id}/download/").code == "job_not_ready"
    assert tenant.api.quota() == (0, 0)


def test_a_job_canceled_while_it_runs_stays_canceled(engine: pytest.MonkeyPatch) -> None:
    tenant = make_tenant()
    job_id = make_job(tenant)

    def cancels(spec: EngineSpec, call: EngineCall) -> EngineResult:
        tenant.api.post(f"conversions/jobs/{job_id}/cancel/")
        from django.db import connection

        connection.set_schema(tenant.schema)  # type: ignore[attr-defined]
        return works(spec, call)

    engine.setattr(RUN_STEP, "execute", cancels)

    work(tenant, job_id)

    assert job_of(tenant, job_id)["status"] == "canceled"
    assert events(job_id)[-1] == "job.canceled"
    assert tenant.api.quota() == (0, 0)
    assert Ticket.objects.get(ref=job_id).state == "done"


def test_a_deleted_jobs_ticket_is_closed(engine: pytest.MonkeyPatch) -> None:
    tenant = make_tenant()
    job_id = make_job(tenant)
    ticket = ticket_of(job_id)
    with in_tenant(tenant.schema):
        Job.objects.filter(pk=job_id).delete()
        run_job(ticket_id=ticket)

    assert Ticket.objects.get(pk=ticket).state == "done"


def test_a_worker_that_dies_mid_job_costs_an_attempt_and_nothing_else(
    engine: pytest.MonkeyPatch,
) -> None:
    class Killed(BaseException):
        pass

    def dies(spec: EngineSpec, call: EngineCall) -> EngineResult:
        raise Killed

    engine.setattr(RUN_STEP, "execute", dies)
    tenant = make_tenant()
    job_id = make_job(tenant)
    with pytest.raises(Killed):
        work(tenant, job_id)
    Ticket.objects.filter(ref=job_id).update(lease_until="2026-01-01T00:00:00Z")
    dispatch.reconcile()
    engine.setattr(RUN_STEP, "execute", works)

    work(tenant, job_id)

    job = job_of(tenant, job_id)
    assert (job["status"], job["attempts"]) == ("completed", 2)
    assert events(job_id) == ["job.created", "job.started", "job.completed"]
    assert tenant.api.quota() == (1, 0)


def test_a_file_that_kills_its_worker_each_time_ends(engine: pytest.MonkeyPatch) -> None:
    tenant = make_tenant()
    job_id = make_job(tenant)
    Ticket.objects.filter(ref=job_id).update(attempts=3, state="waiting")
    held = tenant.api.quota()

    work(tenant, job_id)

    assert (held, tenant.api.quota()) == ((0, 1), (0, 0))  # fact 24: what was held returns

    job = tenant.api.get(f"conversions/jobs/{job_id}/").json
    assert (job["status"], job["error"]["code"]) == ("failed", "internal_error")


def test_a_lost_lease_leaves_no_result_behind(engine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tenant = make_tenant()
    job_id = make_job(tenant)

    def overtaken(spec: EngineSpec, call: EngineCall) -> EngineResult:
        Ticket.objects.filter(ref=job_id).update(state="waiting", lease_until=None)
        assert dispatch.claim(ticket_of(job_id))
        return works(spec, call)

    engine.setattr(RUN_STEP, "execute", overtaken)

    work(tenant, job_id)

    assert job_of(tenant, job_id)["status"] == "processing"
    assert Ticket.objects.get(ref=job_id).state == "running"
    folder = env().storage.folder / tenant.schema / "jobs" / job_id
    assert [file.parent.name for file in folder.rglob("*") if file.is_file()] == ["input"]
    assert "job.completed" not in events(job_id)


def test_another_engine_reads_what_the_first_can_not(engine: pytest.MonkeyPatch) -> None:
    def only_the_second(spec: EngineSpec, call: EngineCall) -> EngineResult:
        if spec.id != "imagemagick":
            raise InputRejected("The picture is damaged.")
        return works(spec, call)

    tenant = make_tenant()
    job_id = make_job(tenant)
    second = RUN_STEP.offer.spec_of("imagemagick")
    engine.setattr(RUN_STEP, "execute", only_the_second)
    engine.setattr(RUN_STEP.offer, "substitutes", lambda *pair: (second,))

    work(tenant, job_id)

    job = job_of(tenant, job_id)
    assert job["status"] == "completed"
    assert job["engine"]["name"] == "imagemagick"  # type: ignore[index]
    assert "ImageMagick did." in str(job["report"])
