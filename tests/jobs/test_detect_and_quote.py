"""detect/ and quote/ through the API: nothing stays behind."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from conversions.models import Job
from conversions.services.learn import Run, estimate, median_error
from conversions.shared.fixture import PATH, rows
from conversions.shared.models import FileFormat, RunTime
from core.env import env
from core.tenancy import in_tenant
from tests.conversions.support import sample
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


def test_the_nearest_runs_decide() -> None:
    runs = [Run(1_000 * n, n, None, 0.1 * n) for n in range(1, 40)]

    assert estimate(runs, 20_000, 20, None, 99) == pytest.approx(2.0, rel=0.2)
    assert estimate(runs[:2], 20_000, 20, None, 1.5) == 1.5
    assert median_error(runs) < 25


def test_the_formats_load_from_the_fixture() -> None:
    assert json.loads(PATH.read_text()) == rows()

    call_command("loaddata", "initial_file_formats.json", verbosity=0)

    assert FileFormat.objects.count() == len(rows())
    assert RunTime.objects.count() >= 0
