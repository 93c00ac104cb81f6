"""The main job as a newcomer does it, and the customers' own programs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import re
import secrets
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from pypdf import PdfReader

from localstack import demo_results
from tests.client import PNG
from tests.e2e.conftest import SAMPLES, Caller, House
from tests.e2e.seed_sdk import FileConversionClient

pytestmark = pytest.mark.e2e
SAMPLE: Any = FileConversionClient  # as untyped as its readers wrote it


def mailed_token(house: House, address: str) -> str:
    """The token of the mail to an address, once it has come."""

    def find() -> str | None:
        for mail in (house.stack.layout.data / "mail").iterdir():
            text = mail.read_text()
            if address in text and (found := re.search(r"token=(\S+)", text)):
                return unquote(found[1])
        return None

    return str(house.wait(find))


def newcomer(house: House) -> tuple[Caller, Caller]:
    """Register, verify, log in, make a key. The person and the key."""
    address, password = f"{secrets.token_hex(5)}@example.com", secrets.token_urlsafe(14)
    visitor = house.caller({})
    visitor.post("auth/register/", {"email": address, "password": password}, 201)
    token = mailed_token(house, address)
    visitor.post("auth/verify-email/", {"token": token}, 200)
    login = visitor.post("auth/login/", {"username": address, "password": password}, 200)
    person = house.caller({"Authorization": f"Bearer {login['access']}"})
    key = person.post("auth/api-keys/generate/", {"name": "first"}, 201)["key"]
    return person, house.by_key(key)


def is_signed(secret: str, line: dict[str, Any]) -> bool:
    """Standard Webhooks, reckoned by hand."""
    headers = {name.lower(): value for name, value in line["headers"].items()}
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{line['body']}".encode()
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{expected}" in headers["webhook-signature"].split()


def test_a_newcomer_converts_a_document_and_is_told(house: House) -> None:
    person, customer = newcomer(house)
    before = customer.used()
    source = SAMPLES / "report.docx"

    job_id = customer.convert(
        source.name, source.read_bytes(), "pdf", webhook_url=house.receiver_url
    )
    job = customer.finished(job_id)

    assert job["status"] == "completed", job["error"]
    assert job["report"]["verdict"] in ("verified", "warnings")
    result = customer.download(job_id)
    assert hashlib.sha256(result).hexdigest() == job["output"]["sha256"]
    pages = PdfReader(io.BytesIO(result)).pages
    assert len(pages) == 2
    assert "Quarterly report" in pages[0].extract_text()
    [line] = house.wait(lambda: house.webhooks(job_id, "job.completed"))
    assert is_signed(customer.get("webhooks/default-secret/")["secret"], line)
    assert json.loads(line["body"])["data"]["output"]["sha256"] == job["output"]["sha256"]
    [told] = house.wait(lambda: person.get("notifications/")["items"])
    assert (told["kind"], told["subject_id"]) == ("job.completed", job_id)
    assert customer.used() == before + 1


@pytest.mark.parametrize(
    ("sample", "target", "look"),
    [
        ("landscape.png", "webp", demo_results.webp),
        ("clip.mp4", "webm", demo_results.webm),
        ("paper.pdf", "docx", demo_results.docx),
    ],
)
def test_a_sample_converts_and_opens_again(
    house: House, sample: str, target: str, look: Any
) -> None:
    source = SAMPLES / sample

    job_id = house.one.convert(sample, source.read_bytes(), target)
    job = house.one.finished(job_id)

    assert job["status"] == "completed", job["error"]
    assert job["report"]["verdict"] in ("verified", "warnings")
    assert look(house.one.download(job_id), source)


def test_the_sample_of_the_first_wish_runs_unchanged(house: House, tmp_path: Path) -> None:
    key = house.demo["tenants"][0]["api_key"]
    client = SAMPLE(key, house.demo["base_url"])
    result = tmp_path / "converted_document.docx"

    job = client.convert_file(str(SAMPLES / "paper.pdf"), "docx")
    house.wait(lambda: client.get_job_status(job["id"])["status"] == "completed", 60)
    client.download_result(job["id"], str(result))

    with zipfile.ZipFile(result) as container:
        assert "word/document.xml" in container.namelist()


def test_fifty_conversions_of_two_tenants_all_end_and_stay_apart(house: House) -> None:
    tenants = (house.one, house.two)
    before = [tenant.used() for tenant in tenants]

    with ThreadPoolExecutor(16) as pool:
        jobs = list(pool.map(lambda n: tenants[n % 2].convert(f"{n}.png", PNG, "webp"), range(50)))
    ends = [tenants[n % 2].finished(job)["status"] for n, job in enumerate(jobs)]

    assert ends == ["completed"] * 50
    for number, job in enumerate(jobs):
        stranger = tenants[(number + 1) % 2]
        assert stranger.http.get(f"/api/v1/conversions/jobs/{job}/").status_code == 404
    assert [tenant.used() for tenant in tenants] == [before[0] + 25, before[1] + 25]


def test_convert_can_wait_and_can_answer_with_the_bytes(house: House) -> None:
    waited = house.one.http.post(
        "/api/v1/conversions/convert/?wait=30",
        files={"file": ("a.png", PNG)},
        data={"output_format": "webp"},
    )
    direct = house.one.http.post(
        "/api/v1/conversions/convert/?download=1",
        files={"file": ("a.png", PNG)},
        data={"output_format": "webp"},
    )

    assert (waited.status_code, waited.json()["status"]) == (200, "completed")
    assert direct.status_code == 200
    assert direct.content[:4] == b"RIFF"
    assert direct.headers["X-Job-Id"].startswith("job_")


def test_a_download_through_the_front_keeps_the_promised_headers(house: House) -> None:
    job_id = house.one.convert("a.png", PNG, "webp")
    digest = house.one.finished(job_id)["output"]["sha256"]
    address = f"/api/v1/conversions/jobs/{job_id}/download/"

    whole = house.one.http.get(address)
    same = house.one.http.get(address, headers={"If-None-Match": f'"{digest}"'})
    part = house.one.http.get(address, headers={"Range": "bytes=0-3", "If-Range": f'"{digest}"'})
    beyond = house.one.http.get(address, headers={"Range": "bytes=99999-"})

    assert whole.headers["ETag"] == f'"{digest}"'
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.headers["X-Request-Id"]
    assert whole.headers["RateLimit"]
    assert whole.headers["RateLimit-Policy"]
    assert (same.status_code, same.content) == (304, b"")
    assert (part.status_code, part.content) == (206, b"RIFF")
    assert beyond.status_code == 416


@pytest.mark.parametrize("part", ["", "detailed/", "database/", "redis/", "celery/", "engines/"])
def test_every_part_is_healthy(house: House, part: str) -> None:
    reply = house.one.http.get(f"/health/{part}")

    assert (reply.status_code, reply.json()["status"]) == (200, "ok")
