"""Faults of the storage: full, full half way, results that go while they are fetched."""

from __future__ import annotations

import hashlib
import io
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
from PIL import Image

from loadtests.faults_services import PICTURE, all_completed, pictures
from loadtests.house import V1, House
from loadtests.small_disk import SmallDisk

SOON_S = 3
PIXELS = 1600  # a side: 7.7 MB as BMP, some kB as PNG
ROUNDS = 12


class Skipped(Exception):
    """This row can't be run here; the text says why."""


def disk_of(house: House) -> SmallDisk:
    """The small disk, where mounting is allowed."""
    if house.disk is None:
        raise Skipped("no file system can be mounted here: not root")
    return house.disk


def plain_picture() -> bytes:
    """Small as PNG, large as BMP."""
    target = io.BytesIO()
    Image.linear_gradient("L").resize((PIXELS, PIXELS)).convert("RGB").save(target, "PNG")
    return target.getvalue()


def put_off(house: House, to: str) -> str:
    """A job that starts in a few seconds."""
    moment = datetime.now(UTC) + timedelta(seconds=SOON_S)
    return house.one.convert("plain.png", plain_picture(), to, start_at=moment.isoformat())


def row_9(house: House) -> None:
    """The storage is full: nothing is taken, nothing empty arrives, and it recovers."""
    disk = disk_of(house)
    job_id, used = put_off(house, "bmp"), house.one.used()
    with disk.full():
        refused = house.one.submit("more.png", plain_picture(), "bmp")
        print(f"  an upload: {refused.status_code} {refused.json()['code']}")
        assert refused.status_code == 503, refused.text
        assert "Retry-After" in refused.headers
        reads = house.one.http.get(f"{V1}/conversions/jobs/{job_id}/").status_code
        assert reads == 200
        job = house.one.finished(job_id, 90)
    recovered(house, job, used)


def row_10(house: House) -> None:
    """The result does not fit: half of it is written, none of it is seen."""
    disk = disk_of(house)
    job_id, used = put_off(house, "bmp"), house.one.used()
    with disk.full(room_kb=2_000):
        job = house.one.finished(job_id, 90)
        folder = house.data / "storage" / house.schema(0) / "jobs" / job_id
        parts = [path.name for path in folder.rglob("*") if path.is_file()]
        assert parts == ["plain.png"], parts
        left = [path.name for path in (house.data / "storage" / "_incoming").iterdir()]
        assert left == [], left
        fetched = house.one.http.get(f"{V1}/conversions/jobs/{job_id}/download/")
        assert fetched.status_code == 409, fetched.status_code
    recovered(house, job, used)


def recovered(house: House, job: dict[str, object], used: int) -> None:
    """The job failed by our fault, unpaid; run again with room it completes, and so do others."""
    error = job["error"]
    assert isinstance(error, dict), job
    print(f"  the job: {job['status']} {error['code']} after {job['attempts']} attempts")
    assert (error["code"], error["retryable"]) == ("internal_error", True)
    assert house.one.used() == used
    house.one.post(f"conversions/jobs/{job['id']}/retry/", {}, 202)
    all_completed(house.one, [str(job["id"]), *pictures(house.one, 3)])
    assert len(house.one.download(str(job["id"]))) > PIXELS * PIXELS


def noise() -> bytes:
    """A picture whose BMP is some megabytes that don't compress."""
    target = io.BytesIO()
    Image.effect_noise((PIXELS, PIXELS), 90).convert("RGB").save(target, "PNG")
    return target.getvalue()


def expire_now(house: House, job_id: str) -> None:
    """Its time is over, and the sweep is told to come."""
    schema = house.schema(0)
    house.rows(
        f"UPDATE {schema}.conversions_job SET expires_at = now() WHERE id = '{job_id}'"  # noqa: S608 - ours
    )
    house.ring("conversions.expire", schema=schema)


def slowly(reply: httpx.Response, gone: threading.Event) -> Iterator[bytes]:
    """The first part, then what is left once the file is gone."""
    chunks = reply.iter_raw(65_536)
    yield next(chunks)
    assert gone.wait(60)
    yield from chunks


def row_31(house: House) -> None:
    """A result expires while it is fetched; a retention sweep beside a retry."""
    job_id = house.one.convert("noise.png", noise(), "bmp")
    job = house.one.finished(job_id)
    assert job["output"], job
    gone = threading.Event()
    with house.one.http.stream("GET", f"{V1}/conversions/jobs/{job_id}/download/") as reply:
        parts = slowly(reply, gone)
        first = next(parts)
        expire_now(house, job_id)
        house.wait(lambda: house.one.job(job_id)["status"] == "expired", 60)
        gone.set()
        content = b"".join([first, *parts])
    print(f"  {len(content)} of {job['output']['size']} bytes came, the file went meanwhile")
    assert hashlib.sha256(content).hexdigest() == job["output"]["sha256"]
    after = house.one.http.get(f"{V1}/conversions/jobs/{job_id}/download/")
    assert (after.status_code, after.json()["code"]) == (410, "expired")
    sweeps_beside_retries(house)


def sweeps_beside_retries(house: House) -> None:
    """Either the sweep or the retry comes first; never a job without its file."""
    answers: Counter[int] = Counter()
    again: list[str] = []
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for number in range(ROUNDS):
        job_id = house.one.convert(f"{number}.png", PICTURE, "webp", start_at=later)
        house.one.post(f"conversions/jobs/{job_id}/cancel/", {}, 200)
        expire_now(house, job_id)
        reply = house.one.http.post(f"{V1}/conversions/jobs/{job_id}/retry/")
        answers[reply.status_code] += 1
        if reply.status_code == 202:
            again.append(job_id)
    print(f"  retries beside sweeps: {dict(answers)}")
    assert set(answers) <= {202, 410}, answers
    all_completed(house.one, again)


def row_28(house: House) -> None:
    """Delete beside download: the whole file, or none and a word for it."""
    jobs = pictures(house.one, ROUNDS)
    whole = {job: house.one.finished(job)["output"]["sha256"] for job in jobs}
    answers: Counter[int] = Counter()
    with ThreadPoolExecutor(4) as pool:
        for job_id in jobs:
            address = f"{V1}/conversions/jobs/{job_id}/"
            fetched = [pool.submit(house.one.http.get, f"{address}download/") for _ in range(3)]
            deleted = pool.submit(house.one.http.delete, address)
            assert deleted.result().status_code == 204
            house.one.accepted.remove(job_id)
            for reply in (call.result() for call in fetched):
                answers[reply.status_code] += 1
                if reply.status_code == 200:
                    assert hashlib.sha256(reply.content).hexdigest() == whole[job_id]
                else:
                    assert reply.json()["code"] in ("not_found", "expired"), reply.text
    print(f"  downloads beside deletes: {dict(answers)}")
    assert set(answers) <= {200, 404, 410}, answers


def row_16(house: House, submissions: int = 1000, threads: int = 50) -> None:
    """A thousand submissions at once by two tenants; a late single job of the smaller one."""
    before = len(house.one.accepted), len(house.two.accepted)
    begun = time.monotonic()

    def submit(number: int) -> int:
        who = house.two if number % 10 == 0 else house.one
        return who.submit(f"{number}.png", PICTURE, "webp").status_code

    with ThreadPoolExecutor(threads) as pool:
        answers = Counter(pool.map(submit, range(submissions)))
    print(f"  answers {dict(answers)} in {time.monotonic() - begun:.1f} s")
    assert set(answers) <= {202, 429, 503}, answers
    sent_at = time.monotonic()
    single = house.two.convert("single.png", PICTURE, "webp")
    house.two.finished(single, 300)
    waited = time.monotonic() - sent_at
    all_completed(house.one, house.one.accepted[before[0] :], 900)
    flood = time.monotonic() - begun
    all_completed(house.two, house.two.accepted[before[1] :])
    print(f"  the single job took {waited:.1f} s, the flood {flood:.1f} s")
