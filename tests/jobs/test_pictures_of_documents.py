"""A document becomes pictures: its text is compared in the PDF between, its looks from there."""

from __future__ import annotations

from importlib import import_module

import pytest

from conversions.models import Step
from conversions.services import run_job
from core.tenancy import in_tenant
from tests.factories.jobs import ticket_of
from tests.factories.tenants import make_tenant

legs_of = import_module("conversions.services.run_steps").legs_of


@pytest.mark.parametrize("last", [("png",), ("png", "webp"), ("svg",), ("ps",)])
def test_the_chain_is_judged_at_its_pages(last: tuple[str, ...]) -> None:
    formats = ("pdf", *last)
    steps = [Step(engine="e", position=n, output_format=code) for n, code in enumerate(formats)]

    legs = [[step.output_format for step in leg] for leg in legs_of(steps)]

    assert legs == [["pdf"], list(last)]


def test_a_chain_to_another_document_is_judged_as_a_whole() -> None:
    steps = [Step(engine="e", position=n, output_format=c) for n, c in enumerate(("pdf", "html"))]

    assert [len(leg) for leg in legs_of(steps)] == [2]


@pytest.mark.engine
def test_every_page_becomes_a_picture() -> None:
    tenant = make_tenant()
    text = "\n".join(f"line {number} of ordinary words" for number in range(130))
    job_id = str(tenant.api.convert("pages.txt", text.encode(), to="webp").json["id"])

    with in_tenant(tenant.schema):
        run_job(ticket_id=ticket_of(job_id))

    job = tenant.api.get(f"conversions/jobs/{job_id}/").json
    assert (job["status"], job["report"]["verdict"]) == ("completed", "verified"), job
    assert len(job["outputs"]) >= 2
    assert "text_kept" in {check["name"] for check in job["report"]["checks"]}
