"""Kill any process at any time: each job ends once, is charged once, is told once."""

from __future__ import annotations

import shutil
import subprocess  # noqa: TID251 - ffmpeg makes the samples
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.client import PNG
from tests.e2e.conftest import SAMPLES, Caller, House

pytestmark = pytest.mark.e2e


def video(folder: Path, *, seconds: int, size: str) -> bytes:
    """A moving test picture, cheap to make and dear to encode as VP9."""
    ffmpeg = shutil.which("ffmpeg")
    if not ffmpeg:
        pytest.skip("ffmpeg is not installed here")
    target = folder / f"{seconds}-{size}.mp4"
    source = f"mandelbrot=size={size}:rate=25"
    command = [ffmpeg, "-v", "error", "-f", "lavfi", "-i", source, "-t", str(seconds)]
    subprocess.run(
        [*command, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", str(target)],
        check=True,
        timeout=60,
    )
    return target.read_bytes()


def looped(clip: bytes, times: int, folder: Path) -> bytes:
    """The clip again and again, without encoding it anew."""
    source, target = folder / "once.mp4", folder / "looped.mp4"
    source.write_bytes(clip)
    command = ["ffmpeg", "-v", "error", "-stream_loop", str(times - 1), "-i", str(source)]
    subprocess.run([*command, "-c", "copy", str(target)], check=True, timeout=60)
    return target.read_bytes()


def statuses(caller: Caller, jobs: list[str]) -> list[str]:
    return [caller.finished(job, 90)["status"] for job in jobs]


def test_a_job_whose_worker_is_killed_completes_once(house: House, tmp_path: Path) -> None:
    before = house.one.used()
    clip = looped(video(tmp_path, seconds=3, size="640x360"), 4, tmp_path)
    job_id = house.one.convert("long.mp4", clip, "webm", webhook_url=house.receiver_url)
    house.wait(lambda: house.one.job(job_id)["progress"] > 0)

    house.kill("worker-media")
    job = house.one.finished(job_id, 180)

    assert job["status"] == "completed", job["error"]
    assert job["attempts"] >= 2
    lines = house.wait(lambda: house.webhooks(job_id, "job.completed"))
    assert len({line["headers"]["webhook-id"] for line in lines}) == 1
    assert house.one.used() == before + 1
    assert house.one.download(job_id)[:4] == b"\x1a\x45\xdf\xa3"


def test_queued_jobs_survive_a_redis_that_lost_everything(house: House) -> None:
    before = house.one.used()
    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda n: house.one.convert(f"{n}.png", PNG, "webp"), range(30)))

    house.kill("redis")
    shutil.rmtree(house.stack.layout.data / "redis")
    more = [house.one.convert(f"during{n}.png", PNG, "webp") for n in range(3)]

    assert statuses(house.one, jobs + more) == ["completed"] * 33
    assert house.one.used() == before + 33


def test_what_was_accepted_completes_though_the_web_process_is_killed(house: House) -> None:
    before = house.one.used()

    def submit(number: int) -> str | None:
        try:
            reply = house.one.submit(f"{number}.png", PNG, "webp")
        except httpx.HTTPError:
            return None
        return str(reply.json()["id"]) if reply.status_code == 202 else None

    with ThreadPoolExecutor(8) as pool:
        calls: list[Future[str | None]] = [pool.submit(submit, n) for n in range(80)]
        house.wait(lambda: sum(call.done() for call in calls) >= 15)
        house.kill("web")
        house.wait(lambda: all(call.done() for call in calls), 60)
    accepted = [job for call in calls if (job := call.result())]
    house.wait(lambda: house.one.http.get("/health/").status_code == 200)

    assert len(accepted) >= 15
    assert set(statuses(house.one, accepted)) == {"completed"}

    # A job that was committed while its answer was lost is charged and completed as well.
    found = house.judge(tidy=False)
    assert found.is_clean, found.told()
    assert house.one.used() - before >= len(accepted)


def test_a_job_over_its_time_fails_and_the_next_one_runs(house: House, tmp_path: Path) -> None:
    before = house.two.used()
    endless = looped(video(tmp_path, seconds=4, size="1920x1080"), 40, tmp_path)
    job_id = house.two.convert("endless.mp4", endless, "webm")

    job = house.two.finished(job_id, 90)
    small = (SAMPLES / "clip.mp4").read_bytes()
    after = house.two.finished(house.two.convert("clip.mp4", small, "webm"))

    assert (job["status"], job["error"]["code"]) == ("failed", "timed_out")
    assert job["attempts"] == 1
    assert after["status"] == "completed"
    assert house.two.used() == before + 1


def test_the_supervisor_brought_everything_back(house: House) -> None:
    house.wait(lambda: house.one.http.get("/health/detailed/").status_code == 200)

    supervisor = house.stack.supervisor
    assert all(supervisor.pid(name) for name in supervisor.starts())
