"""What is kept is given back in time, and storage and rows agree in the end."""

from __future__ import annotations

from pathlib import Path

from django.utils import timezone

from conversions.models import Job
from conversions.services import expire_jobs, find_orphans
from conversions.shared.models import CleanUp
from core.outbox.models import OutboxEvent
from core.tenancy import in_tenant
from tests.factories.jobs import fail_job, make_completed_job, make_job, stored_files
from tests.factories.tenants import Tenant, make_tenant
from tests.product import Product


def let_time_pass(tenant: Tenant, job_id: str) -> None:
    """The job's time is over, and the sweep has come by."""
    with in_tenant(tenant.schema):
        Job.objects.filter(pk=job_id).update(expires_at=timezone.now())
        expire_jobs()


def test_the_input_of_a_failed_job_goes_in_time(product: Product) -> None:
    tenant = make_tenant()
    job_id = make_job(tenant)
    fail_job(tenant, job_id)
    assert tenant.api.get(f"conversions/jobs/{job_id}/").json["expires_at"]

    let_time_pass(tenant, job_id)

    assert stored_files(product.storage, tenant) == []
    reply = tenant.api.post(f"conversions/jobs/{job_id}/retry/")
    assert (reply.status, reply.code) == (410, "expired")
    assert CleanUp.objects.get(schema_name=tenant.schema).kind == "expired"


def test_a_retry_before_the_sweep_keeps_its_input(product: Product) -> None:
    tenant = make_tenant()
    job_id = make_job(tenant)
    fail_job(tenant, job_id)
    assert tenant.api.post(f"conversions/jobs/{job_id}/retry/").status == 202

    let_time_pass(tenant, job_id)

    assert len(stored_files(product.storage, tenant)) == 1


def test_a_file_without_row_is_found_and_removed(product: Product, tmp_path: Path) -> None:
    tenant = make_tenant()
    job_id = make_completed_job(tenant, tmp_path)
    before = set(stored_files(product.storage, tenant))
    jobs = product.storage / tenant.schema / "jobs"
    (jobs / job_id / "output-9").mkdir()
    (jobs / "job_gone").mkdir()
    for stray in (jobs / job_id / "output-9/late.webp", jobs / "job_gone/x"):
        stray.write_bytes(b"12345")

    with in_tenant(tenant.schema):
        young = find_orphans(fix=True)
        told = find_orphans(fix=False, older_hours=-1)
        find_orphans(fix=True, older_hours=-1)

    assert young.files == []
    assert (len(told.files), told.size_bytes) == (2, 10)
    assert set(stored_files(product.storage, tenant)) == before
    assert not (jobs / "job_gone").exists()


def test_a_job_without_its_file_expires_and_says_so(product: Product, tmp_path: Path) -> None:
    tenant = make_tenant()
    job_id = make_completed_job(tenant, tmp_path)
    output = next(p for p in stored_files(product.storage, tenant) if "output" in str(p))
    output.unlink()

    with in_tenant(tenant.schema):
        found = find_orphans(fix=True)

    job = tenant.api.get(f"conversions/jobs/{job_id}/").json
    assert found.jobs == [job_id]
    assert (job["status"], job["stage"]) == ("expired", "result lost")
    assert tenant.api.get(f"conversions/jobs/{job_id}/download/").code == "expired"
    assert OutboxEvent.objects.filter(payload__id=job_id, type="job.expired").count() == 1
