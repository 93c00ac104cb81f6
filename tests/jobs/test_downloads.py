"""Results: whole, in part, by name, and after their time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest

from conversions.models import Job
from conversions.services import expire_jobs
from core.env import env
from core.outbox.models import OutboxEvent
from core.tenancy import in_tenant
from tests.factories.jobs import make_completed_job, make_job, stored_files
from tests.factories.tenants import Tenant
from tests.product import Product

CONTENT = bytes(range(256)) * 4


@pytest.fixture
def result(acme: Tenant, tmp_path: Path) -> str:
    """The address of a result of 1,024 bytes."""
    job_id = make_completed_job(acme, tmp_path, content=CONTENT)
    return f"conversions/jobs/{job_id}/download/"


def test_the_whole_result_comes_as_an_attachment(acme: Tenant, result: str) -> None:
    reply = acme.api.get(result)

    assert (reply.status, reply.body) == (200, CONTENT)
    assert reply.headers["Content-Type"] == "image/webp"
    assert reply.headers["Content-Length"] == "1024"
    assert reply.headers["Content-Disposition"].startswith('attachment; filename="picture.webp"')
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-9", 0, 9),
        ("bytes=1000-", 1000, 1023),
        ("bytes=-5", 1019, 1023),
        ("bytes=-99999", 0, 1023),
        ("bytes=1020-99999", 1020, 1023),
    ],
)
def test_a_range_gives_those_bytes(
    acme: Tenant, result: str, asked: str, first: int, last: int
) -> None:
    reply = acme.api.get(result, Range=asked)

    assert reply.status == 206
    assert reply.body == CONTENT[first : last + 1]
    assert reply.headers["Content-Range"] == f"bytes {first}-{last}/1024"
    assert reply.headers["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_beyond_the_end_answers_416(acme: Tenant, result: str, asked: str) -> None:
    reply = acme.api.get(result, Range=asked)

    assert reply.status == 416
    assert reply.headers["Content-Range"] == "bytes */1024"


@pytest.mark.parametrize("asked", ["bytes=", "bytes=-", "lines=1-2", "bytes=a-b", "bytes=1-2,5-6"])
def test_a_range_that_is_none_gives_everything(acme: Tenant, result: str, asked: str) -> None:
    reply = acme.api.get(result, Range=asked)

    assert (reply.status, reply.body) == (200, CONTENT)


# RFC 9110 §14.1.2: a last position below the first one makes the range invalid, so it is ignored.
def test_a_range_that_runs_backwards_is_ignored(acme: Tenant, result: str) -> None:
    assert acme.api.get(result, Range="bytes=9-3").status == 200


def test_if_range_and_if_none_match_compare_the_etag(acme: Tenant, result: str) -> None:
    etag = acme.api.get(result).headers["ETag"]

    assert acme.api.get(result, Range="bytes=0-3", If_Range=etag).status == 206
    assert acme.api.get(result, Range="bytes=0-3", If_Range='"old"').status == 200
    assert acme.api.get(result, If_None_Match=etag).status == 304


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("請求書 2026年.png", "請求書 2026年.webp"),
        ("تقرير ربع سنوي.png", "تقرير ربع سنوي.webp"),
        ("Größe “neu”.png", "Größe “neu”.webp"),
    ],
)
def test_names_of_every_script_arrive(
    acme: Tenant, tmp_path: Path, filename: str, expected: str
) -> None:
    job_id = make_completed_job(acme, tmp_path, filename=filename)

    header = acme.api.get(f"conversions/jobs/{job_id}/download/").headers["Content-Disposition"]

    plain, _, encoded = header.partition("filename*=UTF-8''")
    assert unquote(encoded) == expected
    assert plain.isascii()
    assert header.isascii()


def test_a_result_that_is_not_there_yet_answers_409(acme: Tenant) -> None:
    reply = acme.api.get(f"conversions/jobs/{make_job(acme)}/download/")

    assert (reply.status, reply.code) == (409, "job_not_ready")
    assert reply.json["retryable"] is True


def test_an_output_that_does_not_exist_answers_404(acme: Tenant, result: str) -> None:
    assert acme.api.get(f"{result}?output=1").code == "not_found"
    assert acme.api.get(f"{result}?output=-1").code == "not_found"


def test_after_its_time_a_result_is_gone_and_says_so(
    acme: Tenant, product: Product, tmp_path: Path
) -> None:
    job_id = make_completed_job(acme, tmp_path)
    with in_tenant(acme.schema):
        past = datetime.now(UTC) - timedelta(seconds=1)
        Job.objects.filter(pk=job_id).update(expires_at=past)

        expired, again = expire_jobs(), expire_jobs()

    reply = acme.api.get(f"conversions/jobs/{job_id}/download/")
    assert (expired, again) == (1, 0)
    assert (reply.status, reply.code) == (410, "expired")
    assert acme.api.get(f"conversions/jobs/{job_id}/").json["status"] == "expired"
    assert not [file for file in stored_files(product.storage, acme) if job_id in str(file)]
    assert OutboxEvent.objects.filter(type="job.expired", payload__id=job_id).count() == 1


def test_expiring_leaves_the_other_tenant_alone(
    acme: Tenant, globex: Tenant, tmp_path: Path
) -> None:
    job_id = make_completed_job(globex, tmp_path)
    with in_tenant(globex.schema):
        past = datetime.now(UTC) - timedelta(seconds=1)
        Job.objects.filter(pk=job_id).update(expires_at=past)

    with in_tenant(acme.schema):
        expire_jobs()

    assert globex.api.get(f"conversions/jobs/{job_id}/download/").status == 200


def test_a_file_that_vanished_answers_410(acme: Tenant, product: Product, tmp_path: Path) -> None:
    job_id = make_completed_job(acme, tmp_path)
    for file in stored_files(product.storage, acme):
        if job_id in str(file) and "output" in str(file):
            file.unlink()

    assert acme.api.get(f"conversions/jobs/{job_id}/download/").code == "expired"


def test_behind_nginx_the_file_is_handed_over(
    acme: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = make_completed_job(acme, tmp_path, filename="ü n.png")
    monkeypatch.setitem(env().storage.__dict__, "x_accel", 1)

    reply = acme.api.get(f"conversions/jobs/{job_id}/download/")

    target = reply.headers["X-Accel-Redirect"]
    assert target.startswith(f"/_storage/{acme.schema}/jobs/{job_id}/output-1/")
    assert target.isascii()
    assert reply.body == b""
    assert "ETag" in reply.headers


def test_deleting_a_job_takes_its_files_at_once(
    acme: Tenant, product: Product, tmp_path: Path
) -> None:
    job_id = make_completed_job(acme, tmp_path)

    deleted = acme.api.delete(f"conversions/jobs/{job_id}/")

    assert deleted.status == 204
    assert not [file for file in stored_files(product.storage, acme) if job_id in str(file)]
    assert acme.api.get(f"conversions/jobs/{job_id}/").code == "not_found"
