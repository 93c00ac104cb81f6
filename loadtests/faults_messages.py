"""Faults of messages and clocks: duplicates, garbage, time that jumps."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess  # noqa: TID251 - a compiler
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import redis

from loadtests.faults_services import all_completed, pictures
from loadtests.faults_storage import Skipped
from loadtests.house import House, started

RUN_JOB = "conversions.run_job"
SOURCE = Path(__file__).with_name("jumping_clock.c")
JUMPS = (3600, -3600, 86_400, -86_400)  # seconds
NEAR_S = 300
BODIES: tuple[bytes, ...] = (
    b"",
    b"rubbish",
    b"{}",
    b'{"body": "?", "headers": {}, "properties": {}}',
    b'{"body": "W10=", "content-type": "application/x-python-serialize", "properties": {}}',
    b"\xff\xfe\x00" * 100,
    b"[" * 10_000,
)


def tickets(house: House, jobs: list[str]) -> list[str]:
    """Their tickets."""
    names = ", ".join(f"'{job}'" for job in jobs)
    sql = f"SELECT id FROM dispatch_ticket WHERE ref IN ({names})"  # noqa: S608 - ours
    return [str(row[0]) for row in house.rows(sql)]


def row_13(house: House, jobs: int = 12) -> None:
    """Each message is sent twice more while its job waits or runs, and again after its end."""
    sent = pictures(house.one, jobs)
    schema, named = house.schema(0), tickets(house, sent)
    for ticket in named * 2:
        house.ring(RUN_JOB, ticket, schema=schema, queue="convert")
    all_completed(house.one, sent)
    for ticket in named:
        house.ring(RUN_JOB, ticket, schema=schema, queue="convert")
    all_completed(house.one, pictures(house.one, 2))  # behind them in the same queue


def garbage(house: House) -> list[Callable[[], object]]:
    """Messages that nobody of ours sends."""
    one, two = house.schema(0), house.schema(1)
    foreign = tickets(house, pictures(house.one, 1))[0]
    odd: list[tuple[str, tuple[Any, ...], str]] = [
        (RUN_JOB, ("tkt_unknown",), one),
        (RUN_JOB, (foreign,), two),  # another tenant's header
        (RUN_JOB, ("tkt_unknown",), ""),
        (RUN_JOB, ("tkt_unknown",), "no_such_schema"),
        (RUN_JOB, ("tkt_unknown",), 'public"; drop schema public; --'),
        (RUN_JOB, (), one),
        (RUN_JOB, (1, 2, 3), one),
        (RUN_JOB, ({"a": [1]},), one),
        (RUN_JOB, ("x" * 100_000,), one),
        (RUN_JOB, ("tkt_\x00",), one),
        ("no.such.task", ("a",), one),
        ("webhooks.attempt", ("tkt_unknown",), one),
        ("conversions.advance_pipeline", (foreign,), one),
    ]
    sends: list[Callable[[], object]] = [
        partial(house.ring, task, *arguments, schema=schema, queue="convert")
        for task, arguments, schema in odd
    ]
    link = redis.Redis.from_url(house.stack.env["CELERY_BROKER_URL"])
    return [*sends, *(partial(link.lpush, "convert", body) for body in BODIES)]


def row_14(house: House) -> None:
    """Unknown jobs, other tenants, rubbish bodies: dropped, and the worker lives."""
    calls = garbage(house)
    before = house.stack.supervisor.starts()
    for call in calls:
        call()
    all_completed(house.one, pictures(house.one, 4))
    after = house.stack.supervisor.starts()
    died = {name: after[name] - count for name, count in before.items() if after[name] != count}
    print(f"  {len(calls)} messages; started again: {died or 'nobody'}")
    assert not died, died


def row_15() -> int:
    """The clock of every process but PostgreSQL and Redis jumps, on a stack of its own."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise Skipped("there is no C compiler for loadtests/jumping_clock.c")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        library, clock = folder / "jumping_clock.so", folder / "seconds"
        argv = [compiler, "-shared", "-fPIC", "-O2", "-Wall", "-o", str(library), str(SOURCE)]
        subprocess.run(argv, check=True, timeout=60)
        set_clock(clock, 0)
        with started({"LD_PRELOAD": str(library), "JUMPING_CLOCK": str(clock)}) as house:
            os.environ.pop("LD_PRELOAD", None)  # noqa: TID251 - the stack has it by now
            jump(house, clock)
            found = house.judge()
            print(found.told())
            return len(found.lost) + len(found.doubled)


def set_clock(clock: Path, seconds: int) -> None:
    """How far the wall clock is off, from now on; in place, since it is mapped."""
    with clock.open("r+b" if clock.exists() else "wb") as handle:
        handle.write(struct.pack("l", seconds))


def is_off_by(job: dict[str, Any], seconds: int) -> bool:
    """Whether the web process, which dates new jobs, took the shifted clock for the time."""
    written = datetime.fromisoformat(job["created_at"]).timestamp()
    return abs(written - time.time() - seconds) < NEAR_S


def jump(house: House, clock: Path) -> None:
    """Jobs before and after each jump; none may expire by it, and the month's count goes on."""
    kept = pictures(house.one, 4, retention_hours="1")
    all_completed(house.one, kept)
    for seconds in JUMPS:
        running = pictures(house.one, 6, retention_hours="1")
        set_clock(clock, seconds)
        begun = time.monotonic()
        fresh = pictures(house.one, 4)
        all_completed(house.one, [*running, *fresh])
        assert is_off_by(house.one.job(fresh[0]), seconds), "the clock did not jump"
        kept += running
        house.ring("conversions.expire_everywhere")
        seen = Counter(house.one.job(job)["status"] for job in kept)
        used = house.one.used()
        print(f"  {seconds:+} s: {dict(seen)}, {used} used, {time.monotonic() - begun:.1f} s")
        assert seen == {"completed": len(kept)}, seen
        set_clock(clock, 0)
