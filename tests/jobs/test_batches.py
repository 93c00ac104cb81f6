"""A batch: a bad file fails alone, progress of the whole, one archive, one event at the end."""

from __future__ import annotations

import io
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from billing.services import change_plan
from conversions.models import Batch, Job
from conversions.services import go_on_canceling
from core.outbox.models import OutboxEvent
from core.outbox.services import relay
from core.tenancy import in_tenant
from dispatch import room
from dispatch.models import Ticket
from tests.client import PNG
from tests.factories.groups import batch_of, make_batch
from tests.factories.jobs import complete_job, fail_job, stored_files
from tests.factories.tenants import Tenant, make_tenant
from tests.product import Product
from tests.threads import at_once
from webhooks.models import Delivery


def events(batch_id: str) -> list[dict[str, Any]]:
    found = OutboxEvent.objects.filter(type="batch.completed", payload__id=batch_id)
    return list(found.order_by("sequence").values_list("payload", flat=True))


def send(tenant: Tenant, *files: tuple[str, bytes], **fields: str) -> Any:
    parts = [("files", file) for file in files]
    wanted = {"output_format": "webp", **fields}
    return tenant.api.upload("conversions/batch-convert/", parts, wanted)


def test_a_bad_file_fails_alone_and_is_listed_with_its_problem() -> None:
    tenant = make_tenant()

    reply = send(
        tenant,
        ("one.png", PNG),
        ("empty.png", b""),
        ("fake.docx", PNG),
        ("two.png", PNG),
        name="holiday",
    )

    batch = reply.json
    assert reply.status == 202
    assert reply.headers["Location"] == f"/api/v1/conversions/batches/{batch['id']}/"
    assert [job["filename"] for job in batch["jobs"]] == [
        *("one.png", "empty.png", "fake.docx", "two.png")
    ]
    assert [job["status"] for job in batch["jobs"]] == ["pending", "failed", "failed", "pending"]
    codes = [job["error"] and job["error"]["code"] for job in batch["jobs"]]
    assert codes == [None, "file_empty", "file_type_mismatch", None]
    assert (batch["name"], batch["total"], batch["failed"]) == ("holiday", 4, 2)
    assert (batch["status"], batch["progress"]) == ("processing", 50)
    assert tenant.api.quota() == (0, 2)
    listed = tenant.api.get(f"conversions/jobs/?batch_id={batch['id']}").json["items"]
    assert len(listed) == 4


def test_it_ends_once_with_one_event_when_the_last_job_ends(tmp_path: Path) -> None:
    tenant = make_tenant()
    batch = make_batch(tenant, 3, webhook_url="https://example.com/hook")
    ids = [job["id"] for job in batch["jobs"]]

    complete_job(tenant, ids[0], tmp_path)
    fail_job(tenant, ids[1])
    before = (batch_of(tenant, batch["id"]), events(batch["id"]))
    complete_job(tenant, ids[2], tmp_path)

    assert (before[0]["status"], before[0]["progress"], before[1]) == ("processing", 66, [])
    after = batch_of(tenant, batch["id"])
    assert (after["status"], after["progress"]) == ("completed", 100)
    assert (after["completed"], after["failed"], after["canceled"]) == (2, 1, 0)
    assert after["finished_at"]
    (told,) = events(batch["id"])
    assert (told["status"], len(told["jobs"])) == ("completed", 3)
    relay()
    with in_tenant(tenant.schema):
        delivered = Delivery.objects.values_list("event_type", "url")
        assert list(delivered) == [("batch.completed", "https://example.com/hook")]


def test_a_batch_of_bad_files_has_failed_at_once() -> None:
    tenant = make_tenant()

    batch = send(tenant, ("a.png", b""), ("b.png", b" ")).json

    assert (batch["status"], batch["failed"], batch["progress"]) == ("failed", 2, 100)
    assert len(events(batch["id"])) == 1
    assert list(stored_files(Path("/nonexistent"), tenant)) == []


def picture(code: str) -> bytes:
    """Two by two pixels in another format."""
    made = io.BytesIO()
    Image.new("RGB", (2, 2), "red").save(made, code)
    return made.getvalue()


def test_ends_at_the_same_moment_are_counted_once_each(tmp_path: Path) -> None:
    # A test key and a format each: no meter's and no day's row puts their ends in a line before.
    tenant = make_tenant()
    kinds = ("png", "gif", "bmp", "jpeg", "tiff", "ppm")
    parts = [("files", (f"picture.{kind}", picture(kind))) for kind in kinds]
    batch = tenant.test_api.upload(
        "conversions/batch-convert/", parts, {"output_format": "webp"}
    ).json
    ids = [job["id"] for job in batch["jobs"]]
    for number, _ in enumerate(ids):
        (tmp_path / str(number)).mkdir()
    together = threading.Barrier(len(ids), timeout=60)

    def end(number: int) -> None:
        together.wait()
        complete_job(tenant, ids[number], tmp_path / str(number))

    at_once(len(ids), end)

    after = batch_of(tenant, batch["id"])
    assert (after["completed"], after["status"]) == (6, "completed")
    assert len(events(batch["id"])) == 1


def test_the_archive_holds_every_result_under_a_name_of_its_own(tmp_path: Path) -> None:
    tenant = make_tenant()
    batch = send(tenant, ("Bild.png", PNG), ("bild.png", PNG), ("写真 é.png", PNG)).json
    url = f"conversions/batches/{batch['id']}/download/"
    early = tenant.api.get(url)
    for number, job in enumerate(batch["jobs"]):
        complete_job(tenant, job["id"], tmp_path, content=b"result %d" % number)

    reply = tenant.api.get(url)

    assert early.code == "job_not_ready"
    assert batch["archive_url"].endswith(url)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/zip")
    assert reply.headers["Content-Length"] == str(len(reply.body))
    with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["Bild.webp", "bild-2.webp", "写真 é.webp"]
        assert archive.read("bild-2.webp") == b"result 1"


def test_over_the_quota_the_rest_fails_alone_and_may_be_retried() -> None:
    tenant = make_tenant(conversions=2)

    batch = make_batch(tenant, 4)

    assert [job["status"] for job in batch["jobs"]] == ["pending", "pending", "failed", "failed"]
    assert batch["jobs"][3]["error"]["code"] == "quota_exceeded"
    assert tenant.api.quota() == (0, 2)
    change_plan(tenant_id=tenant.id, plan_code="professional", conversions=10)
    again = tenant.api.post(f"conversions/batches/{batch['id']}/retry/")
    assert again.status == 202
    assert {job["status"] for job in again.json["jobs"]} == {"pending"}
    assert tenant.api.quota() == (0, 4)


def test_retry_runs_only_what_failed_and_tells_again(tmp_path: Path) -> None:
    tenant = make_tenant()
    batch = make_batch(tenant, 2)
    first, second = (job["id"] for job in batch["jobs"])
    complete_job(tenant, first, tmp_path)
    fail_job(tenant, second)

    again = tenant.api.post(f"conversions/batches/{batch['id']}/retry/")

    assert [job["status"] for job in again.json["jobs"]] == ["completed", "pending"]
    assert (again.json["status"], again.json["failed"], again.json["round"]) == ("processing", 0, 2)
    complete_job(tenant, second, tmp_path)
    assert batch_of(tenant, batch["id"])["completed"] == 2
    assert [told["round"] for told in events(batch["id"])] == [1, 2]
    nothing = tenant.api.post(f"conversions/batches/{batch['id']}/retry/")
    assert nothing.code == "conflict"


def test_cancel_ends_what_has_not_ended_and_charges_nothing(tmp_path: Path) -> None:
    tenant = make_tenant()
    batch = make_batch(tenant, 3)
    complete_job(tenant, batch["jobs"][0]["id"], tmp_path)

    reply = tenant.api.post(f"conversions/batches/{batch['id']}/cancel/")

    assert (reply.status, reply.json["status"]) == (200, "canceled")
    assert (reply.json["completed"], reply.json["canceled"]) == (1, 2)
    assert tenant.api.quota() == (1, 0)
    assert [told["status"] for told in events(batch["id"])] == ["canceled"]
    assert tenant.api.post(f"conversions/batches/{batch['id']}/cancel/").code == (
        "job_not_cancelable"
    )


def test_a_cancel_that_died_on_the_way_is_finished_by_a_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tenant = make_tenant()
    batch = make_batch(tenant, 3)
    with monkeypatch.context() as patch:
        patch.setattr("conversions.services.steer_batch.cancel_jobs", lambda *args: None)
        tenant.api.post(f"conversions/batches/{batch['id']}/cancel/")
    assert batch_of(tenant, batch["id"])["canceled"] == 0

    with in_tenant(tenant.schema):
        ticket = Ticket.objects.get(task="conversions.cancel_batch", ref=batch["id"])
        go_on_canceling(ticket_id=ticket.id)
        go_on_canceling(ticket_id=ticket.id)

    assert batch_of(tenant, batch["id"])["status"] == "canceled"


def test_a_crash_before_the_commit_accepts_nothing(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = make_tenant()

    def dies(*args: object, **kwargs: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr("conversions.services.create_many.publish_many", dies)
        reply = send(tenant, ("a.png", PNG), ("b.png", PNG))

    assert reply.status == 500
    with in_tenant(tenant.schema):
        assert (Batch.objects.count(), Job.objects.count()) == (0, 0)
    assert tenant.api.quota() == (0, 0)
    assert not Ticket.objects.filter(lane_id=tenant.schema).exists()
    assert list(stored_files(product.storage, tenant)) == []


def test_a_plan_without_batches_names_the_one_that_has_them() -> None:
    tenant = make_tenant(plan="basic")

    refused = send(tenant, ("a.png", PNG))
    test = tenant.test_api.upload(
        "conversions/batch-convert/", [("files", ("a.png", PNG))], {"output_format": "webp"}
    )

    assert (refused.status, refused.code) == (402, "feature_not_in_plan")
    assert "Professional" in refused.json["detail"]
    assert (test.status, test.json["test"]) == (202, True)


def test_what_is_wrong_with_all_of_it_is_refused_as_a_whole(acme: Tenant) -> None:
    assert (
        acme.api.upload("conversions/batch-convert/", [], {"output_format": "webp"}).json["errors"][
            0
        ]["field"]
        == "files"
    )
    assert send(acme, ("a.png", PNG), output_format="nonsense").code == "unsupported_conversion"
    assert send(acme, ("a.png", PNG), options="{").code == "validation_error"
    assert acme.api.post("conversions/batch-convert/", {}).code == "unsupported_media_type"


def test_a_file_over_the_limit_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = make_tenant()
    big = PNG + b"\0" * 3_000_000
    monkeypatch.setattr("tenants.middleware.enter_schema", small_limit(2_000_000))

    batch = send(tenant, ("big.png", big), ("small.png", PNG)).json

    lines = {job["filename"]: job for job in batch["jobs"]}
    assert lines["big.png"]["error"]["code"] == "file_too_large"
    assert lines["small.png"]["status"] == "pending"


def small_limit(limit: int) -> Any:
    """`enter_schema` with another limit."""
    from tenants import middleware

    enter = middleware.enter_schema

    def entered(request: Any) -> None:
        enter(request)
        request.upload_limit = limit

    return entered


def test_a_thousand_and_one_files_are_too_many(acme: Tenant) -> None:
    parts = [("files", (f"{n}.png", b"x")) for n in range(1001)]

    reply = acme.api.upload("conversions/batch-convert/", parts, {"output_format": "webp"})

    assert (reply.status, reply.code) == (422, "validation_error")
    assert "1000" in reply.json["detail"]


def test_the_same_key_replays_the_batch() -> None:
    tenant = make_tenant()
    parts = [("files", ("a.png", PNG)), ("files", ("b.png", PNG))]

    replies = [
        tenant.api.upload(
            "conversions/batch-convert/",
            parts,
            {"output_format": "webp"},
            {"Idempotency-Key": "batch-1"},
        )
        for _ in range(2)
    ]

    assert replies[0].json["id"] == replies[1].json["id"]
    assert replies[1].headers["Idempotency-Replayed"] == "true"
    assert tenant.api.quota() == (0, 2)


def test_a_list_costs_the_same_for_one_batch_and_for_many(tmp_path: Path) -> None:
    tenant = make_tenant()

    def cost() -> tuple[int, list[int]]:
        with CaptureQueriesContext(connection) as seen:
            reply = tenant.api.get("conversions/batches/?limit=200")
        return len(seen), [batch["progress"] for batch in reply.json["items"]]

    first = make_batch(tenant, 2)
    complete_job(tenant, first["jobs"][0]["id"], tmp_path)
    one, shares = cost()
    for _ in range(5):
        make_batch(tenant, 3)

    assert shares == [50]
    assert cost() == (one, [0, 0, 0, 0, 0, 50])


def test_a_batch_of_many_costs_statements_for_the_whole_not_for_each() -> None:
    tenant = make_tenant()

    def cost(count: int) -> int:
        room.forget()  # else it would depend on the second in which what waits was counted
        with CaptureQueriesContext(connection) as seen:
            make_batch(tenant, count)
        return len(seen)

    cost(1)  # the key is known from now on
    assert cost(20) == cost(2)
