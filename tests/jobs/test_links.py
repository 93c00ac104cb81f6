"""Signed addresses of results, and results that go once they were downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from conversions.services import expire_jobs
from core.env import env
from core.tenancy import in_tenant
from tenants.models import Tenant as Row
from tests.client import PNG, Api
from tests.factories.groups import make_batch
from tests.factories.jobs import complete_job, make_completed_job, make_job, stored_files
from tests.factories.tenants import Tenant, make_tenant
from tests.product import Product


def link(tenant: Tenant, job_id: str, **body: Any) -> str:
    reply = tenant.api.post(f"conversions/jobs/{job_id}/download-url/", body)
    assert reply.status == 200, reply.body
    return str(reply.json["url"]).removeprefix(env().site.public_url)


def test_it_works_without_credentials_and_for_ranges(
    acme: Tenant, visitor: Api, tmp_path: Path
) -> None:
    url = link(acme, make_completed_job(acme, tmp_path, content=b"0123456789"))

    whole, part = visitor.get(url), visitor.get(url, Range="bytes=4-")

    assert (whole.status, whole.body) == (200, b"0123456789")
    assert (part.status, part.body) == (206, b"456789")
    assert whole.headers["Content-Disposition"].startswith('attachment; filename="picture.webp"')


def test_it_ends(acme: Tenant, visitor: Api, tmp_path: Path) -> None:
    url = link(acme, make_completed_job(acme, tmp_path), expires_in_seconds=60)

    with time_machine.travel(timezone.now().timestamp() + 61):
        reply = visitor.get(url)

    assert (reply.status, reply.code) == (410, "expired")


def test_whoever_changes_it_gets_nothing(acme: Tenant, visitor: Api, tmp_path: Path) -> None:
    url = link(acme, make_completed_job(acme, tmp_path))
    text = url.rstrip("/").rsplit("/", 1)[-1]

    last = "A" if text[-1] != "A" else "B"

    for changed in (text[:-1] + last, "x" + text[1:], "nothing", "a.b"):
        assert visitor.get(f"conversions/downloads/{changed}/").code == "not_found", changed


def test_once_means_once(acme: Tenant, visitor: Api, tmp_path: Path) -> None:
    url = link(acme, make_completed_job(acme, tmp_path), once=True)

    assert visitor.get(url).status == 200
    assert visitor.get(url).code == "expired"


def test_it_is_revoked_with_its_job_and_its_tenant(visitor: Api, tmp_path: Path) -> None:
    tenant = make_tenant()
    gone, kept = (make_completed_job(tenant, tmp_path) for _ in range(2))
    urls = [link(tenant, gone), link(tenant, gone, once=True), link(tenant, kept)]

    tenant.api.delete(f"conversions/jobs/{gone}/")
    Row.objects.filter(pk=tenant.id).update(suspended_at=timezone.now())

    assert [visitor.get(url).code for url in urls] == ["tenant_suspended"] * 3
    Row.objects.filter(pk=tenant.id).update(suspended_at=None)
    assert [visitor.get(url).code for url in urls] == ["not_found", "not_found", "200"]


def test_there_is_none_for_what_is_not_there(acme: Tenant, tmp_path: Path) -> None:
    waiting, done = make_job(acme), make_completed_job(acme, tmp_path)
    path = "conversions/jobs/{}/download-url/"

    assert acme.api.post(path.format(waiting), {}).code == "job_not_ready"
    assert acme.api.post(path.format(done), {"output": 1}).code == "not_found"
    assert acme.api.post(path.format(done), {"expires_in_seconds": 0}).code == "validation_error"


def delete_after(tenant: Tenant, folder: Path, content: bytes = b"0123456789") -> str:
    job_id = str(tenant.api.convert(delete_after_download="true").json["id"])
    complete_job(tenant, job_id, folder, content=content)
    return job_id


def test_a_result_goes_with_its_last_byte(product: Product, tmp_path: Path) -> None:
    tenant = make_tenant()
    url = f"conversions/jobs/{delete_after(tenant, tmp_path)}/download/"

    first = tenant.api.get(url, Range="bytes=0-4")
    kept = len(stored_files(product.storage, tenant))
    rest = tenant.api.get(url, Range="bytes=5-")

    assert (first.body + rest.body, kept) == (b"0123456789", 2)
    assert tenant.api.get(url).code == "expired"
    assert tenant.api.get(url.replace("download/", "")).json["status"] == "expired"
    assert list(stored_files(product.storage, tenant)) == []


def test_a_client_that_goes_away_may_come_back(tmp_path: Path) -> None:
    from django.test import Client

    tenant = make_tenant()
    url = f"conversions/jobs/{delete_after(tenant, tmp_path, b'x' * 3_000_000)}/download/"
    headers = {"Authorization": tenant.api.authorization}
    answer = Client().get(f"/api/v1/{url}", headers=headers)

    next(iter(answer))  # one chunk of three
    answer.close()

    assert len(tenant.api.get(url).body) == 3_000_000


def test_an_archive_takes_its_results_with_it(tmp_path: Path) -> None:
    tenant = make_tenant()
    batch = make_batch(tenant, 2, delete_after_download="true")
    for job in batch["jobs"]:
        complete_job(tenant, job["id"], tmp_path)

    first, second = (
        tenant.api.get(f"conversions/batches/{batch['id']}/download/") for _ in range(2)
    )

    assert (first.status, second.code) == (200, "expired")


@pytest.mark.parametrize("field", ["save_to_library", "asset_id"])
def test_the_library_is_refused_plainly_while_there_is_none(acme: Tenant, field: str) -> None:
    sent = {"output_format": "webp", field: "true"}
    reply = acme.api.upload("conversions/convert/", {"file": ("a.png", PNG)}, sent)

    assert (reply.status, reply.code) == (422, "validation_error")
    assert reply.json["errors"][0]["field"] == field


def test_expiry_does_not_mind_links(tmp_path: Path) -> None:
    tenant = make_tenant()
    job_id = make_completed_job(tenant, tmp_path)
    url = link(tenant, job_id)
    with in_tenant(tenant.schema):
        from conversions.models import Job

        Job.objects.filter(pk=job_id).update(expires_at=timezone.now())
        expire_jobs()

    assert Api().get(url).code == "expired"
