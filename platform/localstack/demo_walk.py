"""The main job, over HTTP only: convert, verify, webhook, notification, ledger, isolation."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localstack import demo_results
from localstack.console import WIDTH, say
from localstack.demo_client import Client, Reply

SAMPLES = Path(__file__).resolve().parent / "samples"
ENDED = ("completed", "failed", "canceled", "expired")
JOB_TIMEOUT_S = 120.0
WEBHOOK_TIMEOUT_S = 30.0
Pause = Callable[[], None]


class WalkError(Exception):
    """A promise that did not hold; the text says which."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A sample, its target, and our own check of the result (it returns what it saw)."""

    sample: str
    target: str
    check: Callable[[bytes, Path], str]


CONVERSIONS = (
    Conversion("report.docx", "pdf", demo_results.pdf),
    Conversion("paper.pdf", "docx", demo_results.docx),
    Conversion("landscape.png", "webp", demo_results.webp),
    Conversion("clip.mp4", "webm", demo_results.webm),
)


def walk(demo: dict[str, Any], *, root: Path, pause: Pause) -> None:
    """Walks a seeded stack; WalkError at the first promise that does not hold."""
    one, two = (Client(demo["base_url"], _key(tenant)) for tenant in demo["tenants"][:2])
    receiver = demo["webhook_receiver"]
    before = _used(one)
    jobs = []
    for number, conversion in enumerate(CONVERSIONS):
        hook = receiver["url"] if number == 0 else None
        jobs.append(_convert(one, conversion, hook, pause))
    say()
    _check_webhook(one, root / receiver["log"], jobs[0], pause)
    _check_notification(demo, pause)
    _check_ledger(before, _used(one), len(jobs))
    _check_isolation(two, jobs[0])
    say()


def _key(tenant: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Api-Key {tenant['api_key']}"}


def _convert(one: Client, conversion: Conversion, hook: str | None, pause: Pause) -> str:
    """Uploads, watches, downloads, opens; returns the job's id."""
    source = SAMPLES / conversion.sample
    say(f"\n  {conversion.sample} → {conversion.target}")
    began = time.monotonic()
    fields = {"output_format": conversion.target} | ({"webhook_url": hook} if hook else {})
    reply = one.upload("/api/v1/conversions/convert/", source, fields)
    job = _expect(reply, 202, "upload")
    _line("uploaded", job["id"], began)
    job = _watch(one, job["id"], pause)
    if job["status"] != "completed":
        raise WalkError(f"{conversion.sample}: {job['status']}, {job.get('error')}")
    _print_report(job)
    began = time.monotonic()
    result = one.get(f"/api/v1/conversions/jobs/{job['id']}/download/")
    if result.status != 200 or hashlib.sha256(result.body).hexdigest() != job["output"]["sha256"]:
        raise WalkError(f"download: status {result.status}, or not the promised bytes")
    _line(f"downloaded {len(result.body):,} bytes", job["output"]["filename"], began)
    began = time.monotonic()
    try:
        seen = conversion.check(result.body, source)
    except Exception as error:
        raise WalkError(f"the result of {conversion.sample} does not hold: {error}") from error
    _line("opened again", seen, began)
    return str(job["id"])


def _watch(one: Client, job_id: str, pause: Pause) -> dict[str, Any]:
    """Polls to the end and prints each change of status."""
    began, shown = time.monotonic(), ""
    while True:
        job = _expect(one.get(f"/api/v1/conversions/jobs/{job_id}/"), 200, "job")
        if job["status"] != shown:
            shown = job["status"]
            _line(shown, f"{job['progress']} %  {job.get('stage') or ''}".rstrip(), began)
        if shown in ENDED:
            return job
        if time.monotonic() - began > JOB_TIMEOUT_S:
            raise WalkError(f"job {job_id} is still {shown} after {JOB_TIMEOUT_S:.0f} s")
        pause()


def _print_report(job: dict[str, Any]) -> None:
    report = job["report"]
    checks = report["checks"]
    held = sum(bool(check["ok"]) for check in checks)
    say(f"    {'report: ' + report['verdict']:<24} {held} of {len(checks)} checks hold")
    if report["verdict"] == "failed":
        raise WalkError(f"job {job['id']} completed with a failed report")


def _check_webhook(one: Client, log: Path, job_id: str, pause: Pause) -> None:
    """The signed delivery arrived, and its signature is right by our own reckoning."""
    began = time.monotonic()
    secret = _expect(one.get("/api/v1/webhooks/default-secret/"), 200, "default secret")["secret"]
    line = _delivery(log, job_id)
    while line is None:
        if time.monotonic() - began > WEBHOOK_TIMEOUT_S:
            raise WalkError(f"no webhook for {job_id} in {WEBHOOK_TIMEOUT_S:.0f} s")
        pause()
        line = _delivery(log, job_id)
    headers = {name.lower(): value for name, value in line["headers"].items()}
    if not is_signed(secret, headers, line["body"].encode()):
        raise WalkError("the webhook's signature is wrong")
    _line("webhook", f"{json.loads(line['body'])['type']}, signature right", began)


def _delivery(log: Path, job_id: str) -> dict[str, Any] | None:
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    for text in lines:
        line: dict[str, Any] = json.loads(text)
        if '"job.completed"' in line["body"] and job_id in line["body"]:
            return line
    return None


def is_signed(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Standard Webhooks: HMAC-SHA256 over id.timestamp.body, any of the listed v1 signatures."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(expected, s) for s in headers["webhook-signature"].split())


def _check_notification(demo: dict[str, Any], pause: Pause) -> None:
    began = time.monotonic()
    tenant = demo["tenants"][0]
    visitor = Client(demo["base_url"], {})
    login = _expect(visitor.post("/api/v1/auth/login/", tenant["owner"]), 200, "login")
    bearer = {"Authorization": f"Bearer {login['access']}", "X-Tenant": tenant["slug"]}
    owner = Client(demo["base_url"], bearer)
    while True:
        page = _expect(owner.get("/api/v1/notifications/"), 200, "notifications")
        if page["items"]:
            break
        if time.monotonic() - began > WEBHOOK_TIMEOUT_S:
            raise WalkError("the owner got no notification")
        pause()
    newest = page["items"][0]
    _line("notification", str(newest.get("title") or newest.get("kind")), began)


def _used(one: Client) -> int:
    quota = _expect(one.get("/api/v1/conversions/quota/"), 200, "quota")
    return int(quota["conversions"]["used"])


def _check_ledger(before: int, after: int, jobs: int) -> None:
    if after - before != jobs:
        raise WalkError(f"the ledger moved {after - before} for {jobs} jobs")
    say(f"    {'ledger':<24} {before} → {after}: {jobs} jobs, {jobs} charged")


def _check_isolation(two: Client, job_id: str) -> None:
    reply = two.get(f"/api/v1/conversions/jobs/{job_id}/")
    if reply.status != 404:
        raise WalkError(f"tenant two got {reply.status} for tenant one's job")
    say(f"    {'isolation':<24} tenant two gets 404 for that job")


def _expect(reply: Reply, status: int, what: str) -> dict[str, Any]:
    if reply.status != status:
        raise WalkError(
            f"{what}: status {reply.status} {reply.body[:400].decode(errors='replace')}"
        )
    parsed: dict[str, Any] = json.loads(reply.body)
    return parsed


def _line(title: str, text: str, began: float) -> None:
    say(f"    {title:<24} {text:<{WIDTH}} {time.monotonic() - began:6.2f} s")
