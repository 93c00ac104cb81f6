"""Faults of workers and engines: killed once, killed each time, stopped and overtaken."""

from __future__ import annotations

import signal
import time
from collections import Counter
from pathlib import Path

from loadtests.house import SAMPLES, House, below
from localstack.process import pids, read_stat, send

MEMORY_EATER = b"[" * 135_000 + b"]" * 135_000
BACK_S = 90  # after a worker is gone


def long_text(lines: int) -> bytes:
    """Markdown that keeps pandoc busy."""
    line = b"A *line* with `code`, a [link](https://example.com) and **more**.\n\n"
    return b"# Title\n\n" + line * lines


def words_of(pid: int) -> str:
    """A process's command line; empty for one that is gone."""
    try:
        return (
            Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        )
    except OSError:
        return ""


def engines(house: House, worker: str, program: str) -> list[int]:
    """Processes below a worker that run a program, the innermost last."""
    return [
        pid
        for pid in house.tree(worker)
        if (stat := read_stat(pid)) and stat.state != "Z" and f"/{program} " in f"/{words_of(pid)}"
    ]


def children(house: House, worker: str) -> list[int]:
    """The pool's processes of a worker."""
    top = house.stack.supervisor.pid(worker)
    return [pid for pid in pids() if (stat := read_stat(pid)) and stat.parent == top]


def holder(house: House, worker: str, program: str) -> int:
    """The pool's process below which a program runs; 0 when none does."""
    busy = set(engines(house, worker, program))
    return next((pid for pid in children(house, worker) if busy & set(below(pid))), 0)


def start_long(house: House, lines: int = 15_000) -> str:
    """A job of pandoc that is under way."""
    job_id = house.one.convert("long.md", long_text(lines), "epub", engine="pandoc")
    house.wait(lambda: engines(house, "worker-convert", "pandoc"), 90)
    return job_id


def completed(house: House, job_id: str, attempts: int, since: float) -> None:
    """The job's end, as it must be; its figures are printed."""
    job = house.one.finished(job_id, 180)
    print(f"  {job['status']} at attempt {job['attempts']}, {time.monotonic() - since:.1f} s later")
    assert (job["status"], job["attempts"]) == ("completed", attempts), job


def row_1(house: House) -> None:
    """A worker's child is killed mid-job."""
    job_id = start_long(house)
    victim = house.wait(lambda: holder(house, "worker-convert", "pandoc"))
    killed_at = time.monotonic()
    send(victim, signal.SIGKILL)
    completed(house, job_id, 2, killed_at)
    assert time.monotonic() - killed_at < BACK_S


def row_2(house: House) -> None:
    """A whole worker is killed, parent and children."""
    job_id = start_long(house)
    killed_at = time.monotonic()
    house.kill("worker-convert")
    completed(house, job_id, 2, killed_at)
    assert time.monotonic() - killed_at < BACK_S


def row_3(house: House) -> None:
    """The engine is killed once, each time; eats memory. Nothing of it stays."""
    job_id = start_long(house)
    killed_at = time.monotonic()
    send(engines(house, "worker-convert", "pandoc")[-1], signal.SIGKILL)
    completed(house, job_id, 2, killed_at)

    job_id = start_long(house)
    used = house.one.used()
    killed = kill_until_it_ends(house, job_id)
    job = house.one.job(job_id)
    print(f"  killed {killed} times: {job['status']} {job['error']['code']}")
    assert (job["status"], job["error"]["code"], job["attempts"]) == ("failed", "engine_crashed", 3)
    assert house.one.used() == used

    eater = house.one.convert("eater.md", MEMORY_EATER, "docx", engine="pandoc")
    job = house.one.finished(eater, 120)
    print(f"  a file that eats memory: {job['status']} {(job['error'] or {}).get('code')}")
    assert job["error"]["code"] in ("memory_exceeded", "timed_out"), job["error"]
    house.wait(lambda: not engines(house, "worker-convert", "pandoc"))
    house.wait(lambda: not any((house.data / "work").glob("tkt_*")), 10)


def kill_until_it_ends(house: House, job_id: str) -> int:
    """SIGKILL to each engine of a job. How many there were."""
    seen: set[int] = set()

    def over() -> bool:
        for pid in engines(house, "worker-convert", "pandoc")[-1:]:
            if pid not in seen and send(pid, signal.SIGKILL):
                seen.add(pid)
        return bool(house.one.job(job_id)["status"] in ("completed", "failed"))

    house.wait(over, 120)
    return len(seen)


def row_4(house: House) -> None:
    """A file kills its worker each time: three attempts, and the queue behind it moves."""
    clip = (SAMPLES / "clip.mp4").read_bytes()
    poison = start_long(house)
    behind = [house.two.convert(f"{n}.mp4", clip, "mkv") for n in range(2)]
    seen: Counter[int] = Counter()

    def over() -> bool:
        victim = holder(house, "worker-convert", "pandoc")
        if victim and send(victim, signal.SIGKILL):
            seen[victim] += 1
        return bool(house.one.job(poison)["status"] == "failed")

    begun = time.monotonic()
    house.wait(over, 180)
    job = house.one.job(poison)
    print(
        f"  {len(seen)} workers died, failed {job['error']['code']} at attempt {job['attempts']},"
    )
    print(f"  {time.monotonic() - begun:.1f} s after the first")
    assert job["attempts"] <= 3
    ends = {house.two.finished(other, 120)["status"] for other in behind}
    assert ends == {"completed"}


def row_lease(house: House) -> None:
    """A worker is stopped until its lease is taken, then goes on: it must not end the job."""
    job_id = start_long(house, 3_000)
    late = house.wait(lambda: holder(house, "worker-convert", "pandoc"))
    family = below(late)
    for pid in family:
        send(pid, signal.SIGSTOP)
    try:
        sql = f"SELECT fence FROM dispatch_ticket WHERE ref = '{job_id}'"  # noqa: S608 - ours
        house.wait(lambda: house.rows(sql)[0][0] >= 2, 60)
        print("  the lease was taken by another")
    finally:
        for pid in family:
            send(pid, signal.SIGCONT)
    completed(house, job_id, 2, time.monotonic())
    # The late one must have noticed, be alive, and take the next job.
    house.wait(lambda: not engines(house, "worker-convert", "pandoc"), 60)
    assert read_stat(late), "the late worker died"
