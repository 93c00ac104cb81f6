"""A workbook becomes data by way of its sheets: each one a file, those without a cell left out."""

from __future__ import annotations

import io

import openpyxl
import pytest

from conversions.services import run_job
from core.tenancy import in_tenant
from tests.factories.jobs import ticket_of
from tests.factories.tenants import make_tenant


@pytest.mark.engine
@pytest.mark.parametrize("target", ["jsonl", "parquet"])
def test_each_sheet_with_cells_becomes_a_file(target: str) -> None:
    book, kept = openpyxl.Workbook(), io.BytesIO()
    for title in ("Orders", "Notes", "Empty"):
        sheet = book.create_sheet(title)
        for row in [] if title == "Empty" else [["id", "name"], [1, "one"], [2, "two"]]:
            sheet.append(row)
    book.save(kept)
    tenant = make_tenant()
    job_id = str(tenant.api.convert("book.xlsx", kept.getvalue(), to=target).json["id"])

    with in_tenant(tenant.schema):
        run_job(ticket_id=ticket_of(job_id))

    job = tenant.api.get(f"conversions/jobs/{job_id}/").json
    assert job["status"] == "completed", job
    assert len(job["outputs"]) == 2
    assert [c for c in job["report"]["checks"] if c["note"].startswith("Empty, and left out: 2")], (
        job
    )
