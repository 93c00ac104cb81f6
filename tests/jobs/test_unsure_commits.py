"""The database goes away at a commit: nobody knows its outcome, and no row may lose its file."""

from __future__ import annotations

import errno
import os
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, transaction

from dispatch.models import Ticket
from tests.factories.jobs import complete_job, make_job, stored_files
from tests.factories.tenants import make_tenant
from tests.jobs.test_run_job import GOOD, RUN_STEP, RUN_STEPS, work, works
from tests.product import Product

CREATE = import_module("conversions.services.create_job")
FINISH = import_module("conversions.services.finish_job")


def gone() -> None:
    raise OperationalError("server closed the connection unexpectedly")


def breaks_after_commit(verb: Any) -> Any:
    """The verb, whose transaction commits and is answered by a broken connection."""

    def broken(*args: Any, **kwargs: Any) -> Any:
        with transaction.atomic():
            transaction.on_commit(gone)
            return verb(*args, **kwargs)

    return broken


def test_a_job_whose_commit_was_not_answered_keeps_its_input(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = make_tenant()
    monkeypatch.setattr(CREATE, "insert_job", breaks_after_commit(CREATE.insert_job))

    reply = tenant.api.convert()

    assert (reply.status, reply.code) == (503, "service_unavailable")
    assert "Retry-After" in reply.headers
    job = tenant.api.get("conversions/jobs/").json["items"][0]
    assert [path.parent.name for path in stored_files(product.storage, tenant)] == ["input"]
    monkeypatch.setattr(RUN_STEP, "execute", works)
    monkeypatch.setattr(RUN_STEPS, "verify", lambda *args, **kwargs: GOOD)
    work(tenant, job["id"])
    assert tenant.api.get(f"conversions/jobs/{job['id']}/").json["status"] == "completed"


def test_a_result_whose_commit_was_not_answered_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tenant = make_tenant()
    job_id = make_job(tenant)
    monkeypatch.setattr(RUN_STEP, "execute", works)
    monkeypatch.setattr(RUN_STEPS, "verify", lambda *args, **kwargs: GOOD)
    monkeypatch.setattr(FINISH, "complete", breaks_after_commit(FINISH.complete))

    work(tenant, job_id)

    assert tenant.api.get(f"conversions/jobs/{job_id}/").json["status"] == "completed"
    assert tenant.api.get(f"conversions/jobs/{job_id}/download/").body == b"result"
    assert Ticket.objects.get(ref=job_id).state == "done"
    assert tenant.api.quota() == (1, 0)


def test_what_was_refused_for_sure_leaves_no_file(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = make_tenant(conversions=0)

    assert tenant.api.convert().code == "quota_exceeded"

    assert stored_files(product.storage, tenant) == []


def test_what_a_killed_attempt_stored_goes_with_the_end_of_its_job(
    product: Product, tmp_path: Path
) -> None:
    tenant = make_tenant()
    job_id = make_job(tenant)
    left = product.storage / tenant.schema / "jobs" / job_id / "output-0" / "half.webp"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")

    complete_job(tenant, job_id, tmp_path)

    names = sorted(path.parent.name for path in stored_files(product.storage, tenant))
    assert names == ["input", "output-1"]


class FullDisk:
    """A file on a disk without room."""

    def __init__(self, handle: Any) -> None:
        self.handle = handle

    def write(self, chunk: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self) -> None:
        self.handle.close()


@pytest.mark.parametrize("key", ["", "full-1"])
def test_an_upload_that_does_not_fit_is_told_so_and_leaves_nothing(
    product: Product, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    tenant = make_tenant()
    before = stored_files(product.storage, tenant)
    real = os.fdopen

    def opened(descriptor: int, mode: str) -> Any:
        """Only what is written is on the full disk: threads beside this one read."""
        file = real(descriptor, mode)
        return FullDisk(file) if "w" in mode else file

    monkeypatch.setattr("core.uploads.os.fdopen", opened)

    reply = tenant.api.convert(headers={"Idempotency-Key": key} if key else None)

    assert (reply.status, reply.code) == (503, "service_unavailable")
    assert reply.headers["Retry-After"] == "60"
    assert "full" in reply.json["detail"]
    assert stored_files(product.storage, tenant) == before
    monkeypatch.setattr("core.uploads.os.fdopen", real)
    assert tenant.api.convert(headers={"Idempotency-Key": key} if key else None).status == 202
