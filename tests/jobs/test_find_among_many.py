"""Lists of jobs ask an index, whatever the filter; pages of long ago pass over nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from conversions.queries import job_list, stored_bytes
from core.tenancy import in_tenant
from loadtests.million import INSERT
from tests.factories.tenants import Tenant, make_tenant
from tests.product import Product

ROWS = 8_000
PAGE = 51


@pytest.fixture(scope="module")
def many(running_product: Product) -> Tenant:
    """A tenant with some thousand jobs over half a year."""
    tenant = make_tenant()
    with in_tenant(tenant.schema), connection.cursor() as cursor:
        cursor.execute(INSERT.replace("SCHEMA", tenant.schema).replace("ROWS", str(ROWS)))
        cursor.execute("ANALYZE conversions_job")
    return tenant


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of a plan."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def rows_looked_at(tenant: Tenant, filters: dict[str, Any]) -> float:
    """Of the table, for a first page; fails when it is read from end to end."""
    with in_tenant(tenant.schema):
        page = job_list(filters).order_by("-id")[:PAGE]
        (plan,) = json.loads(page.explain(analyze=True, format="json"))
    found = [node for node in nodes(plan["Plan"]) if node.get("Relation Name")]
    assert not [node for node in found if node["Node Type"] == "Seq Scan"], plan
    return sum(
        float(node["Actual Rows"] * node["Actual Loops"] + node.get("Rows Removed by Filter", 0))
        for node in found
    )


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"status": "failed"},
        {"status": "processing"},
        {"output_format": "epub"},
        {"output_format": "mobi"},
        {"batch_id": "bat_3"},
        {"api_key_id": "key_3"},
        {"api_key_id": "key_unknown"},
        {"q": "REPORT"},
        {"q": "zzqqxx"},
        {"q": "zzqqxx", "status": "failed"},
        {"q": "77-"},
    ],
    ids=str,
)
def test_a_page_reads_few_rows(many: Tenant, filters: dict[str, Any]) -> None:
    assert rows_looked_at(many, filters) < 25 * PAGE  # where one in twenty fits, ids will do


def test_a_page_of_long_ago_passes_over_nothing(many: Tenant) -> None:
    middle = timezone.now() - timedelta(days=90)

    looked_at = rows_looked_at(
        many, {"created_after": middle, "created_before": middle + timedelta(days=1)}
    )

    assert 0 < looked_at < 2 * PAGE


def test_a_part_of_a_name_is_found_wherever_it_stands(many: Tenant) -> None:
    with in_tenant(many.schema):
        name = job_list({}).values_list("input_filename", flat=True)[1234]
        for part in (name, name[3:-4].upper(), name[-9:-5], name[-2:]):
            assert name in job_list({"q": part}).values_list("input_filename", flat=True)


def test_what_is_kept_is_summed_from_an_index(many: Tenant) -> None:
    with in_tenant(many.schema), connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(input_size + extra_bytes + output_bytes), count(*) FROM conversions_job"
            " WHERE status <> 'expired'"
        )
        expected, rows = cursor.fetchone()
        cursor.execute("SET enable_seqscan = off")
        try:
            assert stored_bytes() == expected
        finally:
            cursor.execute("RESET enable_seqscan")
    assert 0 < rows < ROWS / 5
