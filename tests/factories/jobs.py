"""Jobs in every state, made by the product's own verbs, without an engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.factories.tenants import Tenant


def make_job(tenant: Tenant, *, filename: str = "picture.png", to: str = "webp") -> str:
    """A pending job. Its id."""
    reply = tenant.api.convert(filename, to=to)
    assert reply.status == 202, reply.body
    return str(reply.json["id"])


def ticket_of(job_id: str) -> str:
    """The open ticket of a job."""
    from dispatch.models import Ticket

    return str(Ticket.objects.get(ref=job_id, state__in=["waiting", "sent", "running"]).pk)


def complete_job(
    tenant: Tenant, job_id: str, folder: Path, *, content: bytes = b"0123456789"
) -> None:
    """What a worker does, with `content` as the engine's result."""
    from conversions.models import Job
    from conversions.services.finish_job import Outcome, finish_job
    from conversions.services.run_job import start_job
    from conversions.verification import Report
    from core.tenancy import in_tenant
    from dispatch.services import claim

    result = folder / "result.webp"
    result.write_bytes(content)
    with in_tenant(tenant.schema):
        lease = claim(ticket_of(job_id))
        assert lease
        start_job(lease)
        report = Report(verdict="verified", checks=())
        finish_job(Job.objects.get(pk=job_id), lease, Outcome((result,), report, ()))


def make_completed_job(
    tenant: Tenant, folder: Path, *, filename: str = "picture.png", content: bytes = b"0123456789"
) -> str:
    """A completed job. Its id."""
    job_id = make_job(tenant, filename=filename)
    complete_job(tenant, job_id, folder, content=content)
    return job_id


def fail_job(tenant: Tenant, job_id: str, code: str = "engine_failed") -> None:
    """What a worker does when the engine gives up."""
    from conversions.models import Job
    from conversions.services import finish_job
    from conversions.services.run_job import start_job
    from core.tenancy import in_tenant
    from dispatch.services import claim

    with in_tenant(tenant.schema):
        lease = claim(ticket_of(job_id))
        assert lease
        start_job(lease)
        failure = finish_job.Failure(code, "It did not work.")
        finish_job.fail_job(Job.objects.get(pk=job_id), lease, failure)


def stored_files(storage: Path, tenant: Tenant) -> Sequence[Path]:
    """Every file of a tenant, and every upload that nobody took."""
    folders = (storage / tenant.schema, storage / "_incoming")
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]
