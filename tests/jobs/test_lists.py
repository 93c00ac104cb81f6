"""Pages, filters, ETags, and the number of queries behind them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.auth import REMEMBERED
from tests.factories.jobs import complete_job, make_job
from tests.factories.tenants import Tenant, make_tenant
from tests.product import Product


@pytest.fixture(scope="module")
def busy(running_product: Product) -> tuple[Tenant, list[str]]:
    """A tenant with seven jobs, oldest first."""
    tenant = make_tenant()
    return tenant, [make_job(tenant, filename=f"n{i}.png", to="webp") for i in range(7)]


def ids(reply: object) -> list[str]:
    return [item["id"] for item in reply.json["items"]]  # type: ignore[attr-defined]


def test_pages_go_forth_and_back_without_a_gap(busy: tuple[Tenant, list[str]]) -> None:
    tenant, jobs = busy
    newest = list(reversed(jobs))

    one = tenant.api.get("conversions/jobs/?limit=3")
    two = tenant.api.get(f"conversions/jobs/?limit=3&cursor={one.json['next']}")
    three = tenant.api.get(f"conversions/jobs/?limit=3&cursor={two.json['next']}")
    back = tenant.api.get(f"conversions/jobs/?limit=3&cursor={three.json['previous']}")

    assert ids(one) + ids(two) + ids(three) == newest
    assert (one.json["previous"], three.json["next"]) == (None, None)
    assert ids(back) == ids(two)


def test_pages_hold_while_jobs_come(busy: tuple[Tenant, list[str]]) -> None:
    tenant = make_tenant()
    jobs = [make_job(tenant) for _ in range(4)]
    one = tenant.api.get("conversions/jobs/?limit=2")

    make_job(tenant)
    two = tenant.api.get(f"conversions/jobs/?limit=2&cursor={one.json['next']}")

    assert ids(one) + ids(two) == list(reversed(jobs))


def test_the_oldest_come_first_on_request(busy: tuple[Tenant, list[str]]) -> None:
    tenant, jobs = busy

    assert ids(tenant.api.get("conversions/jobs/?sort=created_at")) == jobs


def test_filters_choose(busy: tuple[Tenant, list[str]], tmp_path: Path) -> None:
    tenant, jobs = busy
    complete_job(tenant, jobs[2], tmp_path)
    middle = tenant.api.get(f"conversions/jobs/{jobs[3]}/").json["created_at"]
    key = tenant.api.get(f"conversions/jobs/{jobs[0]}/").json["api_key_id"]

    def found(query: str) -> list[str]:
        return sorted(ids(tenant.api.get(f"conversions/jobs/?{query}")))

    assert found("status=completed") == [jobs[2]]
    assert found("q=N5.PNG") == [jobs[5]]
    assert found("output_format=gif") == []
    assert found(f"created_after={quote(middle)}") == jobs[3:]
    assert found(f"created_before={quote(middle)}") == jobs[:3]
    assert found(f"api_key_id={key}") == jobs
    assert found("api_key_id=key_other") == []
    assert found("batch_id=bat_other") == []


def test_an_unchanged_job_is_answered_by_304(acme: Tenant, tmp_path: Path) -> None:
    job_id = make_job(acme)
    complete_job(acme, job_id, tmp_path)
    first = acme.api.get(f"conversions/jobs/{job_id}/")

    same = acme.api.get(f"conversions/jobs/{job_id}/", If_None_Match=first.headers["ETag"])
    other = acme.api.get(f"conversions/jobs/{job_id}/", If_None_Match='"other"')

    assert (same.status, same.body) == (304, b"")
    assert other.status == 200


def test_a_changed_job_has_another_etag(acme: Tenant) -> None:
    job_id = make_job(acme)
    before = acme.api.get(f"conversions/jobs/{job_id}/").headers["ETag"]

    acme.api.post(f"conversions/jobs/{job_id}/cancel/")

    assert acme.api.get(f"conversions/jobs/{job_id}/", If_None_Match=before).status == 200


def test_accepting_names_the_jobs_address(acme: Tenant) -> None:
    reply = acme.api.convert()

    assert reply.headers["Location"] == f"/api/v1/conversions/jobs/{reply.json['id']}/"
    assert reply.json["status"] == "pending"
    assert acme.api.get(reply.headers["Location"]).json["id"] == reply.json["id"]


def test_metadata_and_name_come_back(acme: Tenant) -> None:
    reply = acme.api.convert(name="Invoice", metadata='{"order": "42", "deep": {"a": [1]}}')

    job = acme.api.get(f"conversions/jobs/{reply.json['id']}/").json
    assert (job["name"], job["metadata"]) == ("Invoice", {"order": "42", "deep": {"a": [1]}})


def test_waiting_ends_when_the_time_is_up(acme: Tenant) -> None:
    job_id = make_job(acme)

    reply = acme.api.get(f"conversions/jobs/{job_id}/?wait=1")

    assert (reply.status, reply.json["status"]) == (200, "pending")


def test_wait_is_bounded(acme: Tenant) -> None:
    job_id = make_job(acme)

    assert acme.api.get(f"conversions/jobs/{job_id}/?wait=61").code == "validation_error"


def queries(tenant: Tenant, path: str) -> int:
    REMEMBERED.clear()
    with CaptureQueriesContext(connection) as asked:
        assert tenant.api.get(path).status == 200
    return sum(not query["sql"].startswith("SET search_path") for query in asked)


def test_the_number_of_queries_does_not_grow_with_the_jobs() -> None:
    tenant = make_tenant()
    first = make_job(tenant)
    tenant.api.get("conversions/jobs/")
    one = queries(tenant, "conversions/jobs/"), queries(tenant, f"conversions/jobs/{first}/")

    for _ in range(29):
        make_job(tenant)
    thirty = queries(tenant, "conversions/jobs/"), queries(tenant, f"conversions/jobs/{first}/")

    # The key with its tenant, the identity row (sampled at 1 % outside of tests), the rows; a job
    # that waits asks for its place as well.
    assert one == thirty
    assert one == (3, 4)
