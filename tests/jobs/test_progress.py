"""Progress is what was done, as a customer sees it: it rises, never falls, and ends at 100."""

from __future__ import annotations

import io
import os
import subprocess  # noqa: TID251 - makes a longer sample
import tarfile
from importlib import import_module
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from conversions.services import run_job
from core.tenancy import in_tenant
from tests.client import Reply
from tests.conversions.support import sample
from tests.factories.jobs import ticket_of
from tests.factories.tenants import Tenant
from tests.threads import at_once

pytestmark = pytest.mark.engine
RUN_JOB = import_module("conversions.services.run_job")


def pages(name: str, times: int) -> bytes:
    """A PDF so many times in a row."""
    made = pikepdf.new()
    with pikepdf.open(sample(name)) as pdf:
        for _ in range(times):
            made.pages.extend(pdf.pages)
        held = io.BytesIO()
        made.save(held)
    return held.getvalue()


def archive(entries: int, size: int) -> bytes:
    """A tar of so many files that nothing makes smaller."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as made:
        for number in range(entries):
            info = tarfile.TarInfo(f"{number}.bin")
            info.size = size
            made.addfile(info, io.BytesIO(os.urandom(size)))
    return held.getvalue()


def seen(
    tenant: Tenant, reply: Reply, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], dict[str, Any]]:
    """Every percent that GET jobs/{id}/ shows while the worker runs, and the job at its end."""
    assert reply.status == 202, reply.body
    job_id = reply.json["id"]
    told: list[int] = []
    write = RUN_JOB.report_progress

    def look(*args: Any) -> None:
        write(*args)
        # A customer's request has a thread, and so a tenant and a connection, of its own.
        (body,) = at_once(1, lambda _: tenant.api.get(f"conversions/jobs/{job_id}/").json)
        assert body["status"] == "processing"
        told.append(body["progress"])

    monkeypatch.setattr(RUN_JOB, "report_progress", look)
    monkeypatch.setattr(RUN_JOB, "PROGRESS_EVERY_S", 0.0)  # each word of the engine counts
    with in_tenant(tenant.schema):
        run_job(ticket_id=ticket_of(job_id))
    return told, tenant.api.get(f"conversions/jobs/{job_id}/").json


def check(told: list[int], job: dict[str, Any]) -> None:
    engines = told[:-1]  # the last is the verification's
    assert job["status"] == "completed", job["error"]
    assert job["progress"] == 100
    assert told == sorted(told)
    assert len(set(engines)) >= 3, told
    assert max(told) < 100


def film(folder: Path, name: str, times: int) -> bytes:
    """A film so many times in a row, for a machine that is fast."""
    made = folder / "film.mp4"
    again = ["ffmpeg", "-v", "error", "-stream_loop", str(times - 1), "-i", str(sample(name))]
    subprocess.run([*again, "-c", "copy", str(made)], check=True, timeout=60)
    return made.read_bytes()


def test_ffmpeg_by_its_own_pipe(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content = film(tmp_path, "video/ten-seconds.mp4", 6)

    check(*seen(acme, acme.api.convert("film.mp4", content, "webm"), monkeypatch))


def test_ocr_by_pages(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = pages("pdf/scanned-image-only.pdf", 1)
    reply = acme.api.upload("tools/ocr-pdf/", {"file": ("scan.pdf", scan)}, {"dpi": "100"})

    told, job = seen(acme, reply, monkeypatch)

    check(told, job)
    assert told[:3] == [28, 57, 85]  # of 95 %, nine tenths: a third for each page


def test_pictures_of_pages_by_pages(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = acme.api.upload(
        "tools/pdf-to-images/", {"file": ("a.pdf", pages("pdf/multi-page.pdf", 10))}, {"dpi": "36"}
    )

    told, job = seen(acme, reply, monkeypatch)

    check(told, job)
    assert len(job["outputs"]) >= 20


@pytest.mark.parametrize("path", ["conversions/convert/", "tools/extract-archive/"])
def test_archives_by_what_was_read(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    fields = {"output_format": "zip"} if "convert" in path else {}
    reply = acme.api.upload(path, {"file": ("a.tar", archive(40, 50_000))}, fields)

    told, job = seen(acme, reply, monkeypatch)

    check(told, job)
    assert len(set(told)) >= 10
