"""Pipelines: judged as a whole before anything runs, moved on by committed steps, ended once."""

from __future__ import annotations

import io
import json
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from conversions.models import Job, Pipeline
from conversions.services import advance_pipeline
from conversions.services.advance_pipeline import advance
from core.outbox.models import OutboxEvent
from core.tenancy import in_tenant
from dispatch.models import Ticket
from tests.client import PNG
from tests.factories.groups import (
    STEPS,
    advance_runs,
    jobs_of,
    make_run,
    no_folder_left,
    run_of,
)
from tests.factories.jobs import complete_job, fail_job, stored_files
from tests.factories.tenants import Tenant, make_tenant
from tests.product import Product
from tests.threads import at_once

START = import_module("conversions.services.start_pipeline")
UPLOAD = {"operation": "import/upload"}
CHAIN = {
    "in": UPLOAD,
    "small": {"operation": "tool/compress-image", "input": "in"},
    "web": {"operation": "convert", "input": "small", "output_format": "webp"},
}


def convert(source: str | list[str], to: str = "webp", **more: Any) -> dict[str, Any]:
    return {"operation": "convert", "input": source, "output_format": to, **more}


def events(run_id: str) -> list[str]:
    found = OutboxEvent.objects.filter(type__startswith="pipeline.", payload__id=run_id)
    return list(found.values_list("type", flat=True))


def statuses(run: dict[str, Any]) -> dict[str, str]:
    return {name: step["status"] for name, step in run["steps"].items()}


def work(
    tenant: Tenant, run: dict[str, Any], step: str, folder: Path, content: bytes = PNG
) -> None:
    """Complete every open job of a step, then move the run on."""
    for job_id in jobs_of(run_of(tenant, run["id"]), step):
        complete_job(tenant, job_id, folder, content=content)
    advance_runs(tenant)


@pytest.mark.parametrize(
    ("steps", "field", "code"),
    [
        ({}, "steps", "missing"),
        ({"a b": UPLOAD}, "steps.a b", "invalid"),
        ({"in": UPLOAD, "x": {"operation": "fly", "input": "in"}}, "steps.x.operation", "unknown"),
        (
            {"in": UPLOAD, "x": {"operation": "tool/none", "input": "in"}},
            "steps.x.operation",
            "unknown",
        ),
        ({"in": UPLOAD, "x": convert("nobody")}, "steps.x.input", "unknown"),
        ({"in": UPLOAD, "x": convert([])}, "steps.x.input", "missing"),
        ({"in": {**UPLOAD, "input": "in"}}, "steps.in.input", "invalid"),
        (
            {"in": UPLOAD, "a": convert(["in", "b"]), "b": convert("a")},
            "steps.a.input",
            "cycle",
        ),
        ({"in": UPLOAD, "x": convert("x")}, "steps.x.input", "cycle"),
        ({"in": UPLOAD, "x": convert("in", "")}, "steps.x.output_format", "missing"),
        ({"in": UPLOAD, "x": convert("in", on_error="cry")}, "steps.x.on_error", "invalid"),
        ({"in": {"operation": "import/url"}}, "steps.in.url", "missing"),
        ({"in": {"operation": "import/asset"}}, "steps.in.operation", "not_offered"),
        (
            {"in": UPLOAD, "x": convert("in"), "y": {"operation": "export/library", "input": "x"}},
            "steps.y.operation",
            "not_offered",
        ),
        (
            {
                "in": UPLOAD,
                "x": convert("in"),
                "y": {"operation": "export/archive", "input": "x"},
                "z": convert("y"),
            },
            "steps.z.input",
            "invalid",
        ),
        ({"in": UPLOAD, "x": convert("in", "docx")}, "steps.x", "unsupported_conversion"),
        (
            {"in": UPLOAD, "x": convert("in"), "y": convert("x", "mp3")},
            "steps.y",
            "unsupported_conversion",
        ),
        (
            {"in": UPLOAD, "x": convert("in", colour="red")},
            "steps.x.options.colour",
            "invalid",
        ),
        (
            {"in": UPLOAD, "x": {"operation": "tool/compress-video", "input": "in"}},
            "steps.x",
            "unsupported_conversion",
        ),
    ],
)
def test_what_is_wrong_is_told_before_anything_runs(
    acme: Tenant, steps: dict[str, Any], field: str, code: str
) -> None:
    reply = acme.api.upload(
        "conversions/pipelines/", {"in": ("a.png", PNG)}, {"steps": json.dumps(steps)}
    )

    assert reply.status == 422, reply.body
    told = {(error["field"], error["code"]) for error in reply.json["errors"]}
    assert (field, code) in told


def test_a_missing_or_stray_or_bad_file_names_its_step(acme: Tenant) -> None:
    def send(files: dict[str, tuple[str, bytes]]) -> dict[str, Any]:
        reply = acme.api.upload("conversions/pipelines/", files, {"steps": json.dumps(STEPS)})
        assert reply.status == 422
        error: dict[str, Any] = reply.json["errors"][0]
        return error | {"problem": reply.code}

    assert send({})["field"].startswith("steps.in")
    assert send({"in": ("a.png", PNG), "out": ("b.png", PNG)})["field"] == "steps.out"
    bad = send({"in": ("a.docx", PNG)})
    assert (bad["field"], bad["problem"]) == ("steps.in", "file_type_mismatch")


def test_steps_follow_each_other_and_the_run_ends_once(product: Product, tmp_path: Path) -> None:
    tenant = make_tenant()
    run = make_run(tenant, CHAIN, name="shrink", metadata='{"order": 7}')
    started = (run["status"], statuses(run))

    work(tenant, run, "small", tmp_path)
    middle = statuses(run_of(tenant, run["id"]))
    work(tenant, run, "web", tmp_path, b"webp")

    assert started == (
        "processing",
        {"in": "completed", "small": "processing", "web": "pending"},
    )
    assert middle == {"in": "completed", "small": "completed", "web": "processing"}
    after = run_of(tenant, run["id"])
    assert (after["status"], after["progress"], after["metadata"]) == (
        "completed",
        100,
        {"order": 7},
    )
    assert events(run["id"]) == ["pipeline.completed"]
    assert tenant.api.quota() == (2, 0)
    assert no_folder_left(product.storage, tenant, run["id"])
    (last,) = jobs_of(after, "web")
    job = tenant.api.get(f"conversions/jobs/{last}/").json
    assert (job["pipeline_id"], job["step"]) == (run["id"], "web")
    assert tenant.api.get(f"conversions/jobs/{last}/download/").body == b"webp"


def test_files_fan_out_and_come_together_again(tmp_path: Path) -> None:
    tenant = make_tenant()
    steps = {
        "in": UPLOAD,
        "each": convert("in", "jpg"),
        "both": {"operation": "tool/image-to-pdf", "input": ["each", "in"]},
        "zip": {"operation": "export/archive", "input": ["each", "both"]},
    }
    run = make_run(tenant, steps, count=3)

    names = [job["filename"] for job in run["jobs"]]
    work(tenant, run, "each", tmp_path)
    (joined,) = jobs_of(run_of(tenant, run["id"]), "both")
    inputs = tenant.api.get(f"conversions/jobs/{joined}/").json["inputs"]
    work(tenant, run, "both", tmp_path, b"%PDF-1.4 joined")

    assert names == ["picture-0.png", "picture-1.png", "picture-2.png"]
    assert [item["filename"] for item in inputs] == [
        *("picture-0.jpg", "picture-1.jpg", "picture-2.jpg"),
        *("picture-0.png", "picture-1.png", "picture-2.png"),
    ]
    after = run_of(tenant, run["id"])
    assert (after["status"], after["steps"]["zip"]["status"]) == ("completed", "completed")
    reply = tenant.api.get(f"conversions/pipelines/{run['id']}/download/")
    with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
        assert archive.namelist() == [
            *("picture-0.jpg", "picture-1.jpg", "picture-2.jpg", "picture-0.pdf")
        ]


def test_a_step_that_must_not_fail_ends_the_run(tmp_path: Path) -> None:
    tenant = make_tenant()
    steps = {
        "in": UPLOAD,
        "bad": convert("in", "gif"),
        "after": convert("bad", "webp"),
        "beside": convert("in", "jpg"),
    }
    run = make_run(tenant, steps)

    fail_job(tenant, jobs_of(run, "bad")[0])
    advance_runs(tenant)

    after = run_of(tenant, run["id"])
    assert after["status"] == "failed"
    assert statuses(after) == {
        "in": "completed",
        "bad": "failed",
        "after": "skipped",
        "beside": "canceled",
    }
    assert after["steps"]["bad"]["problems"][0]["code"] == "engine_failed"
    assert events(run["id"]) == ["pipeline.failed"]
    assert tenant.api.quota() == (0, 0)
    (beside,) = jobs_of(after, "beside")
    assert tenant.api.get(f"conversions/jobs/{beside}/").json["status"] == "canceled"


def test_a_step_that_may_fail_lets_the_others_go_on(tmp_path: Path) -> None:
    tenant = make_tenant()
    steps = {
        "in": UPLOAD,
        "maybe": convert("in", "jpg", on_error="continue"),
        "all": {"operation": "tool/image-to-pdf", "input": "maybe"},
    }
    run = make_run(tenant, steps, count=2)
    first, second = jobs_of(run, "maybe")

    fail_job(tenant, first)
    complete_job(tenant, second, tmp_path, content=PNG)
    advance_runs(tenant)
    (joined,) = jobs_of(run_of(tenant, run["id"]), "all")
    inputs = tenant.api.get(f"conversions/jobs/{joined}/").json["inputs"]
    work(tenant, run, "all", tmp_path, b"%PDF-1.4 one")

    assert [item["filename"] for item in inputs] == ["picture-1.jpg"]
    after = run_of(tenant, run["id"])
    assert (after["status"], len(after["steps"]["maybe"]["problems"])) == ("completed", 1)


def test_nothing_at_the_end_is_a_failure_even_where_steps_may_fail() -> None:
    tenant = make_tenant()
    run = make_run(tenant, {"in": UPLOAD, "x": convert("in", on_error="continue")})

    fail_job(tenant, jobs_of(run, "x")[0])
    advance_runs(tenant)

    assert run_of(tenant, run["id"])["status"] == "failed"
    assert events(run["id"]) == ["pipeline.failed"]


def test_many_movers_start_each_step_once(tmp_path: Path) -> None:
    tenant = make_tenant()
    run = make_run(tenant, CHAIN)
    complete_job(tenant, jobs_of(run, "small")[0], tmp_path, content=PNG)

    def move(_: int) -> None:
        with in_tenant(tenant.schema):
            advance(run["id"], tenant.slug)

    at_once(8, move)

    assert len(jobs_of(run_of(tenant, run["id"]), "web")) == 1


def test_a_process_that_dies_in_a_move_leaves_it_to_the_next(
    product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = make_tenant()
    run = make_run(tenant, CHAIN)
    advance_runs(tenant)  # the ticket of the start
    complete_job(tenant, jobs_of(run, "small")[0], tmp_path, content=PNG)
    files = len(stored_files(product.storage, tenant))

    def dies(*args: object, **kwargs: object) -> None:
        raise SystemExit("killed")

    with monkeypatch.context() as patch, in_tenant(tenant.schema):
        patch.setattr("conversions.services.create_many.publish_many", dies)
        ticket = Ticket.objects.get(ref__startswith=run["id"], state__in=["waiting", "sent"])
        with pytest.raises(SystemExit):
            advance_pipeline(ticket_id=ticket.id)
    between = run_of(tenant, run["id"])

    assert statuses(between)["web"] == "pending"
    assert len(stored_files(product.storage, tenant)) == files
    with in_tenant(tenant.schema):
        assert Job.objects.filter(step="web").count() == 0
        Ticket.objects.filter(pk=ticket.id).update(state="waiting")  # as the sweep would
    advance_runs(tenant)
    assert len(jobs_of(run_of(tenant, run["id"]), "web")) == 1


def test_the_request_may_die_after_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = make_tenant()
    with monkeypatch.context() as patch:
        patch.setattr(START, "begin", lambda run: None)
        run = make_run(tenant)
    assert (run["status"], run["jobs"]) == ("pending", [])

    advance_runs(tenant)

    assert statuses(run_of(tenant, run["id"]))["out"] == "processing"


def test_an_intermediate_file_that_is_gone_fails_its_step(tmp_path: Path) -> None:
    tenant = make_tenant()
    run = make_run(tenant, CHAIN)
    (small,) = jobs_of(run, "small")
    advance_runs(tenant)
    complete_job(tenant, small, tmp_path, content=PNG)
    with in_tenant(tenant.schema):
        from core import storage

        for item in Job.objects.get(pk=small).outputs:
            storage.delete(item["key"])

    advance_runs(tenant)

    after = run_of(tenant, run["id"])
    assert (after["status"], after["steps"]["web"]["problems"][0]["code"]) == ("failed", "expired")


def test_cancel_stops_the_run_and_charges_nothing() -> None:
    tenant = make_tenant()
    run = make_run(tenant, CHAIN)

    reply = tenant.api.post(f"conversions/pipelines/{run['id']}/cancel/")
    advance_runs(tenant)

    assert (reply.status, reply.json["status"]) == (200, "canceled")
    assert statuses(run_of(tenant, run["id"])) == {
        "in": "completed",
        "small": "canceled",
        "web": "canceled",
    }
    assert tenant.api.quota() == (0, 0)
    again = tenant.api.post(f"conversions/pipelines/{run['id']}/cancel/")
    assert again.code == "job_not_cancelable"


def test_what_can_not_be_paid_as_a_whole_is_refused_at_once() -> None:
    tenant = make_tenant(conversions=1)

    reply = tenant.api.upload(
        "conversions/pipelines/", {"in": ("a.png", PNG)}, {"steps": json.dumps(CHAIN)}
    )

    assert (reply.status, reply.code) == (402, "quota_exceeded")
    with in_tenant(tenant.schema):
        assert Pipeline.objects.count() == 0


def test_the_quote_is_of_the_whole_and_stores_nothing(product: Product) -> None:
    tenant = make_tenant()
    split = {
        "in": UPLOAD,
        "pages": {"operation": "tool/pdf-to-images", "input": "in"},
        "web": convert("pages"),
    }
    sample = Path("platform/localstack/samples/paper.pdf").read_bytes()

    plain = tenant.api.upload(
        "conversions/pipelines/quote/", {"in": ("a.png", PNG)}, {"steps": json.dumps(CHAIN)}
    )
    many = tenant.api.upload(
        "conversions/pipelines/quote/", {"in": ("a.pdf", sample)}, {"steps": json.dumps(split)}
    )

    assert plain.status == 200, plain.body
    assert (plain.json["units"], plain.json["exact"], plain.json["allowed"]) == (2, True, True)
    assert plain.json["estimated_seconds"] > 0
    assert plain.json["steps"]["web"]["route"][0]["to"] == "webp"
    assert (many.json["exact"], many.json["steps"]["web"]["exact"]) == (False, False)
    assert stored_files(product.storage, tenant) == []


def test_a_preset_is_kept_and_run_without_files_or_secrets(tmp_path: Path) -> None:
    tenant = make_tenant()
    secret = {"in": UPLOAD, "x": convert("in", password="hush")}
    run = make_run(tenant, secret, save_as="to web")

    (preset,) = tenant.api.get("conversions/presets/").json["items"]
    again = tenant.api.upload(
        "conversions/pipelines/", {"in": ("b.png", PNG)}, {"preset": "to web"}
    )

    assert "hush" not in json.dumps([preset, run, run_of(tenant, run["id"])])
    assert preset["steps"]["x"]["output_format"] == "webp"
    assert (again.status, statuses(again.json)["x"]) == (202, "processing")
    with in_tenant(tenant.schema):
        kept = Pipeline.objects.get(pk=run["id"]).steps["x"]["password_sealed"]
    assert kept
    assert "hush" not in kept
    work(tenant, run, "x", tmp_path)
    with in_tenant(tenant.schema):
        assert Pipeline.objects.get(pk=run["id"]).steps["x"]["password_sealed"] == ""


def test_presets_are_made_changed_and_deleted() -> None:
    tenant = make_tenant()
    made = tenant.api.post("conversions/presets/", {"name": "one", "steps": STEPS})
    url = f"conversions/presets/{made.json['id']}/"

    assert made.status == 201
    assert tenant.api.post("conversions/presets/", {"name": "one", "steps": STEPS}).code == (
        "conflict"
    )
    tenant.api.post("conversions/presets/", {"name": "two", "steps": STEPS})
    assert tenant.api.call("PATCH", url, {"name": "two"}).code == "conflict"
    changed = tenant.api.call("PATCH", url, {"description": "for the web"}).json
    assert (changed["name"], changed["description"]) == ("one", "for the web")
    wrong = tenant.api.call("PATCH", url, {"steps": {"x": convert("y")}})
    assert wrong.json["errors"][0]["field"] == "steps.x.input"
    assert tenant.api.get("conversions/presets/one/").json["id"] == made.json["id"]
    assert tenant.api.delete(url).status == 204
    assert tenant.api.get(url).code == "not_found"
    assert tenant.api.upload("conversions/pipelines/", {}, {"preset": "one"}).code == "not_found"


def test_the_run_is_drawn(acme: Tenant) -> None:
    run = make_run(acme, CHAIN)
    url = f"conversions/pipelines/{run['id']}/graph/"

    picture, text = acme.api.get(url), acme.api.get(f"{url}?format=mermaid")

    assert run["graph"]["edges"] == [
        {"from": "in", "to": "small"},
        {"from": "small", "to": "web"},
    ]
    assert picture.headers["Content-Type"] == "image/svg+xml"
    assert picture.body.count(b"<rect") == 3
    assert picture.body.count(b'marker-end="url(#tip)"') == 2
    assert b"flowchart LR" in text.body
    assert text.body.count(b" --> ") == 2


def test_the_same_key_starts_one_run(acme: Tenant) -> None:
    replies = [
        acme.api.upload(
            "conversions/pipelines/",
            {"in": ("a.png", PNG)},
            {"steps": json.dumps(STEPS)},
            {"Idempotency-Key": "run-1"},
        )
        for _ in range(2)
    ]

    assert replies[0].json["id"] == replies[1].json["id"]
    assert replies[1].headers["Idempotency-Replayed"] == "true"
