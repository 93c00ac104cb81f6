"""detect/ and quote/ through the API: nothing stays behind."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from django.core.management import call_command

from conversions.forecast import work_of
from conversions.models import Job
from conversions.services import fold_runs, run_job
from conversions.services.learn import expected_seconds, matrix_seconds
from conversions.shared.fixture import PATH, rows
from conversions.shared.models import FileFormat, RouteTime, RunTime
from core.env import env
from core.tenancy import in_tenant
from tests.conversions.support import sample
from tests.factories.jobs import ticket_of
from tests.factories.tenants import Tenant, make_tenant

pytestmark = pytest.mark.engine


def upload(tenant: Tenant, path: str, file: str, **fields: str) -> dict[str, object]:
    found = sample(file)
    reply = tenant.api.upload(path, {"file": (found.name, found.read_bytes())}, fields)
    assert reply.status == 200, reply.body
    body: dict[str, object] = reply.json
    return body


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("pdf/multi-page.pdf", "pdf"),
        ("docx/header-footer.docx", "docx"),
        ("image/gps-exif.jpg", "jpg"),
        ("video/short.webm", "webm"),
        ("audio/speech-en.mp3", "mp3"),
    ],
)
def test_a_file_is_told_with_confidence_and_facts(acme: Tenant, file: str, code: str) -> None:
    found = upload(acme, "conversions/detect/", file)

    assert found["format"] == code
    assert 0.9 <= float(str(found["confidence"])) <= 1
    assert found["extension_matches"] is True
    assert found["encrypted"] is False
    assert found["facts"]


def test_another_content_than_the_name_says_is_told_not_refused(acme: Tenant) -> None:
    found = upload(acme, "conversions/detect/", "hostile/jpg_as.pdf")

    assert (found["format"], found["extension_matches"]) == ("jpg", False)


def test_a_locked_pdf_is_told(acme: Tenant) -> None:
    assert upload(acme, "conversions/detect/", "pdf/encrypted.pdf")["encrypted"] is True


def test_a_quote_tells_all_and_leaves_nothing() -> None:
    tenant = make_tenant()

    found = upload(tenant, "conversions/quote/", "pdf/multi-page.pdf", output_format="txt")

    assert found["units"] == 1
    assert found["allowed"] is True
    assert float(str(found["estimated_seconds"])) > 0
    assert found["route"]
    assert found["queue"]
    assert tenant.api.quota() == (0, 0)
    with in_tenant(tenant.schema):
        assert not Job.objects.exists()
    incoming = env().storage.folder / "_incoming"
    assert not incoming.exists() or not list(incoming.iterdir())


def test_a_quote_beyond_the_quota_says_so() -> None:
    tenant = make_tenant(conversions=0)

    found = upload(tenant, "conversions/quote/", "pdf/multi-page.pdf", output_format="txt")

    assert (found["allowed"], found["reason"]) == (False, "quota_exceeded")


def test_an_impossible_quote_is_the_problem_of_convert(acme: Tenant) -> None:
    file = sample("pdf/multi-page.pdf")

    reply = acme.api.upload(
        "conversions/quote/", {"file": (file.name, file.read_bytes())}, {"output_format": "mp3"}
    )

    assert reply.code == "unsupported_conversion"


def noted(pages: range, start_s: float, page_s: float, route: str = "pdf>txt:poppler") -> None:
    """Runs whose seconds are a start and so much for each page, one in eight far too slow."""
    for number in pages:
        work = work_of(1000, {"pages": number})
        slow = 6.0 if number % 8 == 0 else 1.0
        RunTime.objects.create(route=route, work=work, seconds=slow * (start_s + page_s * number))


@pytest.fixture
def nothing_learnt() -> None:
    """Rows of other tests teach nothing here."""
    RunTime.objects.all().delete()
    RouteTime.objects.all().delete()


@pytest.mark.usefixtures("nothing_learnt")
def test_seconds_are_a_start_and_so_much_for_each_page() -> None:
    noted(range(1, 41), start_s=0.5, page_s=0.1)

    assert fold_runs() == 40
    assert not RunTime.objects.exists()

    for pages in (1, 20, 100):
        seconds = expected_seconds("pdf>txt:poppler", 1000, {"pages": pages})
        assert seconds == pytest.approx(0.5 + 0.1 * pages, rel=0.25)


@pytest.mark.usefixtures("nothing_learnt")
def test_a_new_pair_is_guessed_by_its_engine_and_the_first_one_by_the_matrix() -> None:
    measured = matrix_seconds("pdf>txt:poppler") or 0

    assert expected_seconds("pdf>txt:poppler", 1000, {}) == pytest.approx(measured, abs=0.01)
    noted(range(1, 30), start_s=1.0, page_s=1.0, route="pdf>png:poppler")
    fold_runs()

    seconds = expected_seconds("pdf>txt:poppler", 1000, {"pages": 10})
    assert seconds == pytest.approx(11.0, rel=0.25)
    pace = expected_seconds("docx>pdf:libreoffice", 1000, {})
    assert pace > 2 * (matrix_seconds("docx>pdf:libreoffice") or 0)


@pytest.mark.usefixtures("nothing_learnt")
def test_a_finished_job_teaches_the_next_quote(acme: Tenant) -> None:
    file = sample("pdf/multi-page.pdf")
    reply = acme.api.convert(file.name, file.read_bytes(), "txt")

    with in_tenant(acme.schema):
        run_job(ticket_id=ticket_of(reply.json["id"]))

    (row,) = RunTime.objects.all()
    pages = upload(acme, "conversions/detect/", "pdf/multi-page.pdf")["facts"]["pages"]  # type: ignore[index]
    assert row.work[:2] == [file.stat().st_size, pages]
    assert row.seconds > 0


def test_a_package_that_is_cut_off_is_refused_as_damaged(acme: Tenant) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("word/document.xml", "<w/>" * 500)

    reply = acme.api.convert("cut.docx", stream.getvalue()[:900], "pdf")

    assert (reply.status, reply.code) == (422, "file_corrupt")


def test_the_formats_load_from_the_fixture() -> None:
    assert json.loads(PATH.read_text()) == rows()

    call_command("loaddata", "initial_file_formats.json", verbosity=0)

    assert FileFormat.objects.count() == len(rows())
