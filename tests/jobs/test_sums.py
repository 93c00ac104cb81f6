"""Daily sums: equal to a scan of the jobs, and read without looking at one."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversions.models import DaySum, Job
from conversions.sums import report
from core.tenancy import in_tenant
from tests.client import PNG
from tests.factories.groups import make_batch
from tests.factories.jobs import complete_job, fail_job, make_job
from tests.factories.tenants import Tenant, make_tenant


def analytics(tenant: Tenant, query: str = "") -> dict[str, Any]:
    reply = tenant.api.get(f"conversions/analytics/?{query}")
    assert reply.status == 200, reply.body
    body: dict[str, Any] = reply.json
    return body


def mixed(tenant: Tenant, folder: Path) -> None:
    """Jobs that ended in every way, some of them after a retry."""
    for to in ("webp", "jpg", "webp"):
        complete_job(tenant, make_job(tenant, to=to), folder)
    failed = make_job(tenant)
    fail_job(tenant, failed)
    retried = make_job(tenant, to="gif")
    fail_job(tenant, retried)
    tenant.api.post(f"conversions/jobs/{retried}/retry/")
    complete_job(tenant, retried, folder)
    canceled = make_job(tenant)
    tenant.api.post(f"conversions/jobs/{canceled}/cancel/")
    make_batch(tenant, 2)  # not ended
    tenant.api.upload(
        "conversions/batch-convert/",
        [("files", ("a.png", b"")), ("files", ("b.png", PNG))],
        {"output_format": "webp"},
    )  # one refused
    tenant.test_api.convert()
    tenant.api.post(f"conversions/jobs/{tenant.test_api.convert().json['id']}/cancel/")


def scanned(tenant: Tenant) -> Counter[tuple[str, str, str, str]]:
    """Format pair, engine and status of live jobs that have ended."""
    with in_tenant(tenant.schema):
        rows = Job.objects.exclude(status__in=["pending", "processing"]).filter(is_test=False)
        return Counter(
            (
                job.input_format,
                job.output_format,
                job.route[-1]["engine"] if job.route else "",
                str(job.status),
            )
            for job in rows
        )


def summed(tenant: Tenant) -> Counter[tuple[str, str, str, str]]:
    with in_tenant(tenant.schema):
        found: Counter[tuple[str, str, str, str]] = Counter()
        for row in DaySum.objects.filter(is_test=False):
            for status in ("completed", "failed", "canceled"):
                found[row.input_format, row.output_format, row.engine, status] += getattr(
                    row, status
                )
        return +found


def test_the_sums_are_what_a_scan_finds(tmp_path: Path) -> None:
    tenant = make_tenant()

    mixed(tenant, tmp_path)

    assert summed(tenant) == scanned(tenant)
    totals = analytics(tenant)["totals"]
    assert (totals["completed"], totals["failed"], totals["canceled"]) == (4, 2, 1)
    assert totals["units"] == tenant.api.quota()[0] == 4
    assert totals["output_bytes"] == 40
    assert analytics(tenant, "test=true")["totals"]["canceled"] == 1


def test_each_grouping_has_the_same_totals(tmp_path: Path) -> None:
    tenant = make_tenant()
    mixed(tenant, tmp_path)

    answers = {by: analytics(tenant, f"group_by={by}") for by in ("day", "format", "engine", "key")}

    assert len({str(answer["totals"]) for answer in answers.values()}) == 1
    today = timezone.now().date().isoformat()
    assert [item["key"] for item in answers["day"]["items"]] == [today]
    pairs = {item["key"]: item["completed"] for item in answers["format"]["items"]}
    done = {pair: n for pair, n in pairs.items() if n}
    assert done == {"png>webp": 2, "png>jpg": 1, "png>gif": 1}
    (key,) = answers["key"]["items"]
    assert key["key"].startswith("key_")
    for answer in answers.values():
        assert sum(item["total"] for item in answer["items"]) == answer["totals"]["total"]


def test_days_outside_of_the_span_are_left_out(tmp_path: Path) -> None:
    tenant = make_tenant()
    complete_job(tenant, make_job(tenant), tmp_path)
    today = timezone.now().date()
    with in_tenant(tenant.schema):
        DaySum.objects.update(day=today - timedelta(days=40))

    assert analytics(tenant)["items"] == []
    assert analytics(tenant, f"from={today - timedelta(days=40)}")["totals"]["completed"] == 1
    wrong = tenant.api.get(f"conversions/analytics/?from={today}&to={today - timedelta(days=1)}")
    assert wrong.code == "validation_error"
    assert tenant.api.get("conversions/analytics/?group_by=colour").code == "validation_error"


def test_no_job_is_looked_at() -> None:
    tenant = make_tenant()

    with in_tenant(tenant.schema), CaptureQueriesContext(connection) as seen:
        report(first=None, last=None, group_by="format", is_test=False)

    (query,) = [q for q in seen.captured_queries if q["sql"].startswith("SELECT")]
    with in_tenant(tenant.schema), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {query['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "conversions_daysum" in plan
    assert "conversions_job" not in plan


def test_a_million_jobs_are_read_in_as_many_rows_as_days_and_pairs() -> None:
    tenant = make_tenant()
    today = timezone.now().date()
    with in_tenant(tenant.schema):
        DaySum.objects.bulk_create(
            DaySum(
                day=today - timedelta(days=day),
                input_format="png",
                output_format=to,
                engine="vips",
                is_test=False,
                completed=10_000,
                units=10_000,
                busy_seconds=5000.0,
            )
            for day in range(25)
            for to in ("webp", "jpg", "gif", "tiff")
        )

    totals = analytics(tenant)["totals"]

    assert totals["completed"] == 1_000_000
    assert totals["average_seconds"] == 0.5
