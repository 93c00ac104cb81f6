"""A result that does not pass is made again by another route, and says so."""

from __future__ import annotations

from importlib import import_module

import pytest

from conversions.engines.spec import EngineCall, EngineCrashed, EngineResult, EngineSpec
from conversions.verification import Check, Report
from tests.factories.jobs import make_job
from tests.factories.tenants import make_tenant
from tests.jobs.test_run_job import RUN_STEP, RUN_STEPS, job_of, work, works

pytestmark = pytest.mark.engine

OTHER_ROUTES = import_module("conversions.services.other_routes")
BAD = Report(verdict="failed", checks=(Check(name="pages", ok=False, expected=2, actual=1),))
GOOD = Report(verdict="verified", checks=(), before={"pages": 2})
UNREAD = Report(verdict="verified", checks=())


class Reports:
    """What verification says, one result after the other; the last one from then on."""

    def __init__(self, *reports: Report) -> None:
        self.reports = list(reports)

    def __call__(self, *args: object, **kwargs: object) -> Report:
        return self.reports.pop(0) if len(self.reports) > 1 else self.reports[0]


def test_another_route_makes_what_the_first_did_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RUN_STEP, "execute", works)
    monkeypatch.setattr(RUN_STEPS, "verify", Reports(BAD, GOOD))
    tenant = make_tenant()
    job_id = make_job(tenant)
    before = job_of(tenant, job_id)["engine"]

    work(tenant, job_id)

    job = job_of(tenant, job_id)
    assert job["status"] == "completed"
    assert job["engine"] != before
    assert "did not pass verification (pages)" in str(job["report"])


def test_a_crash_is_no_end_where_another_engine_can(monkeypatch: pytest.MonkeyPatch) -> None:
    first: list[tuple[str, str, str]] = []

    def crashes_first(spec: EngineSpec, call: EngineCall) -> EngineResult:
        first.append((spec.id, call.input_format, call.output_format))
        if first[-1] == first[0]:
            raise EngineCrashed("It died.")
        return works(spec, call)

    monkeypatch.setattr(RUN_STEP, "execute", crashes_first)
    monkeypatch.setattr(RUN_STEPS, "verify", Reports(GOOD))
    tenant = make_tenant()
    job_id = make_job(tenant)

    work(tenant, job_id)

    job = job_of(tenant, job_id)
    assert (job["status"], job["attempts"]) == ("completed", 1)


def test_what_nobody_could_compare_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RUN_STEP, "execute", works)
    monkeypatch.setattr(RUN_STEPS, "verify", Reports(BAD, UNREAD))
    tenant = make_tenant()
    job_id = make_job(tenant)

    work(tenant, job_id)

    assert job_of(tenant, job_id)["error"]["code"] == "output_invalid"  # type: ignore[index]


def test_an_unsure_engine_is_followed_by_a_surer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    first: list[str] = []

    def unsure_first(spec: EngineSpec, call: EngineCall) -> EngineResult:
        first.append(spec.id)
        call.target.write_text("read" if spec.id != first[0] else "")
        return EngineResult(outputs=(call.target,), unsure="" if spec.id != first[0] else "Hm.")

    monkeypatch.setattr(RUN_STEP, "execute", unsure_first)
    monkeypatch.setattr(RUN_STEPS, "verify", Reports(GOOD))
    tenant = make_tenant()
    job_id = make_job(tenant)

    work(tenant, job_id)

    assert tenant.api.get(f"conversions/jobs/{job_id}/download/").body == b"read"
    assert job_of(tenant, job_id)["engine"]["name"] == first[1]  # type: ignore[index]
