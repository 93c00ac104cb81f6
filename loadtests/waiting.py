"""200 clients wait for one job: do others notice, and when do the waiting ones hear of its end?

Against a running `make serve` (127.0.0.1 only, ends by itself in about two minutes):

    .venv/bin/python -m loadtests.waiting [--waiters 200]

Prints medians with 0 and with all waiters of the same run, their ratio, and how long after a job's
end a waiting client has its answer: woken up, and polling as the web process did before ADR 0026.
The last line is ``lost=0`` when every waiter got the canceled job.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import subprocess  # noqa: TID251 - ffmpeg makes the long film
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from loadtests.running import demo

SAMPLES = Path(__file__).resolve().parents[1] / "platform/localstack/samples"
ROUNDS_READ, ROUNDS_CONVERT = 40, 12
FIRST_PAUSE_S, LAST_PAUSE_S, GROWTH = 0.01, 0.25, 1.3  # of the polling that was
V1 = "/api/v1/conversions"


def long_film(folder: Path) -> bytes:
    """Cheap to make, and dear enough as VP9 to outlast the test."""
    target = folder / "long.mp4"
    source = "testsrc2=size=1920x1080:rate=25"
    program = shutil.which("ffmpeg") or "ffmpeg"
    command = [program, "-v", "error", "-f", "lavfi", "-i", source, "-t", "60"]
    code = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", str(target)]
    subprocess.run([*command, *code], check=True, timeout=120)
    return target.read_bytes()


async def submit(http: httpx.AsyncClient, name: str, body: bytes, to: str, wait: int) -> Any:
    """POST convert/."""
    reply = await http.post(
        f"{V1}/convert/?wait={wait}",
        files={"file": (name, body)},
        data={"output_format": to},
    )
    assert reply.status_code in (200, 202), reply.text
    return reply.json()


async def median_ms(times: int, call: Callable[[], Awaitable[Any]]) -> float:
    """Of so many calls, one after the other."""
    taken = []
    for _ in range(times):
        begun = time.monotonic()
        await call()
        taken.append((time.monotonic() - begun) * 1000)
    return statistics.median(taken)


async def measure(http: httpx.AsyncClient, picture: bytes) -> tuple[float, float]:
    """Medians in ms: a list of jobs, a small conversion from upload to result."""
    read = await median_ms(ROUNDS_READ, lambda: http.get(f"{V1}/jobs/?limit=20"))
    convert = await median_ms(
        ROUNDS_CONVERT, lambda: submit(http, "small.png", picture, "webp", 30)
    )
    return read, convert


def since_end_ms(job: dict[str, Any]) -> float:
    """From the end that the row tells to now, on one clock."""
    ended = datetime.fromisoformat(job["finished_at"])
    return (datetime.now(ended.tzinfo) - ended).total_seconds() * 1000


async def woken(http: httpx.AsyncClient, picture: bytes) -> float:
    """How late the answer of a request that waits is."""
    return since_end_ms(await submit(http, "small.png", picture, "webp", 30))


async def polling(http: httpx.AsyncClient, picture: bytes) -> float:
    """How late a look with growing pauses is."""
    job = await submit(http, "small.png", picture, "webp", 0)
    pause = FIRST_PAUSE_S
    while job["status"] not in ("completed", "failed"):
        await asyncio.sleep(pause)
        pause = min(pause * GROWTH, LAST_PAUSE_S)
        job = (await http.get(f"{V1}/jobs/{job['id']}/")).json()
    return since_end_ms(job)


async def hold(http: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    """Wait until the job has ended, by as many requests as that takes."""
    while True:
        reply = await http.get(f"{V1}/jobs/{job_id}/?wait=60")
        job: dict[str, Any] = reply.json()
        if reply.status_code == 200 and job["status"] not in ("pending", "processing"):
            return {**job, "late_ms": since_end_ms(job)}


async def main(waiters: int) -> None:
    """The whole run."""
    facts = demo()
    key = facts["tenants"][0]["api_key"]
    many = httpx.Limits(max_connections=waiters + 10, max_keepalive_connections=waiters + 10)
    picture = (SAMPLES / "landscape.png").read_bytes()
    async with httpx.AsyncClient(
        base_url=facts["base_url"],
        headers={"Authorization": f"Api-Key {key}"},
        timeout=90,
        limits=many,
        trust_env=False,
    ) as http:
        await run(http, picture, waiters)


async def run(http: httpx.AsyncClient, picture: bytes, waiters: int) -> None:
    """Calm, then with everyone waiting, then the end."""
    with tempfile.TemporaryDirectory() as folder:
        film = await asyncio.to_thread(long_film, Path(folder))
    job = await submit(http, "long.mp4", film, "webm", 0)
    await measure(http, picture)  # the first conversions warm what there is to warm
    calm = await measure(http, picture)
    holding = [asyncio.create_task(hold(http, job["id"])) for _ in range(waiters)]
    await asyncio.sleep(3)
    busy = await measure(http, picture)
    for name, before, after in zip(("GET jobs/", "small convert"), calm, busy, strict=True):
        print(f"{name}: {before:.0f} ms with 0, {after:.0f} ms with {waiters} waiting", end="")
        print(f", ratio {after / before:.2f}")
    waiting = sum(not task.done() for task in holding)
    print(f"still waiting: {waiting} of {waiters}")
    assert (await http.post(f"{V1}/jobs/{job['id']}/cancel/")).status_code == 200
    done = await asyncio.wait_for(asyncio.gather(*holding), 60)
    late = sorted(one["late_ms"] for one in done)
    print(f"all {waiters} told: median {statistics.median(late):.0f} ms, last {late[-1]:.0f} ms")
    by_wake = [await woken(http, picture) for _ in range(ROUNDS_CONVERT)]
    by_poll = [await polling(http, picture) for _ in range(ROUNDS_CONVERT)]
    pair = statistics.median(by_poll), statistics.median(by_wake)
    print(f"end → answer: polled {pair[0]:.0f} ms, woken {pair[1]:.0f} ms", end="")
    print(f", ratio {pair[0] / max(pair[1], 0.1):.1f}")
    print(f"lost={sum(one['status'] != 'canceled' for one in done)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waiters", type=int, default=200)
    asyncio.run(main(parser.parse_args().waiters))
