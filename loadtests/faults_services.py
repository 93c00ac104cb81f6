"""Faults of what everything stands on: Redis emptied and away, PostgreSQL and web restarted."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import httpx

from loadtests.house import SAMPLES, V1, Caller, House
from localstack.process import send as kill

PICTURE = (SAMPLES / "landscape.png").read_bytes()
AWAY_S = 30


def pictures(who: Caller, count: int, **fields: str) -> list[str]:
    """So many small jobs, at once."""

    def send(number: int) -> str:
        return who.convert(f"{number}.png", PICTURE, "webp", **fields)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(send, range(count)))


def all_completed(who: Caller, jobs: list[str], timeout_s: float = 120) -> None:
    """Every one of them."""
    ends = Counter(who.finished(job, timeout_s)["status"] for job in jobs)
    print(f"  {dict(ends)}")
    assert ends == {"completed": len(jobs)}, ends


class Load:
    """Submissions and reads, one after the other in each of a few threads, and what they got."""

    def __init__(self, who: Caller) -> None:
        self.who = who
        self.stop = threading.Event()
        self.answers: Counter[str] = Counter()
        self.longest_s = 0.0
        self.wrong: list[str] = []

    def work(self, number: int) -> None:
        """Until told to stop."""
        while not self.stop.is_set():
            self.ask("POST", lambda: self.who.submit(f"{number}.png", PICTURE, "webp"))
            self.ask("GET", lambda: self.who.http.get(f"{V1}/conversions/jobs/?limit=5"))

    def ask(self, name: str, call: Callable[[], httpx.Response]) -> None:
        """One request: what it was answered, and whether that is a decent answer to a fault."""
        begun = time.monotonic()
        try:
            reply = call()
        except httpx.HTTPError as error:
            self.answers[f"{name} {type(error).__name__}"] += 1
            return
        finally:
            self.longest_s = max(self.longest_s, time.monotonic() - begun)
        self.answers[f"{name} {reply.status_code}"] += 1
        unavailable = reply.status_code in (503, 429)
        if unavailable and "Retry-After" not in reply.headers:
            self.wrong.append(f"{name} {reply.status_code} without Retry-After: {reply.text[:200]}")
        if reply.status_code >= 400 and not unavailable:
            self.wrong.append(f"{name} {reply.status_code} {reply.text[:300]}")

    def tell(self) -> None:
        """Figures; AssertionError where an answer was none."""
        print(f"  answers {dict(sorted(self.answers.items()))}, longest {self.longest_s:.1f} s")
        assert not self.wrong, self.wrong[:5]


@contextmanager
def load(house: House, threads: int = 4) -> Iterator[Load]:
    """Requests while the block runs; every accepted job must complete afterwards."""
    made = Load(house.one)
    before = len(house.one.accepted)
    with ThreadPoolExecutor(threads) as pool:
        calls = [pool.submit(made.work, n) for n in range(threads)]
        try:
            yield made
        finally:
            made.stop.set()
            house.wait(lambda: all(call.done() for call in calls), 90)
    for call in calls:
        call.result()
    made.tell()
    all_completed(house.one, house.one.accepted[before:])


def let_pass(house: House, seconds: float) -> None:
    """The fault lasts so long; the supervisor tends the others."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        house.pause()


def starts_of_others(house: House, *but: str) -> dict[str, int]:
    """How often each other process was started."""
    starts = house.stack.supervisor.starts()
    return {name: count for name, count in starts.items() if name not in but}


def assert_none_restarted(house: House, before: dict[str, int]) -> None:
    """These processes are the ones that ran before; who is not, is named with its last words."""
    now = starts_of_others(house)
    again = [name for name, count in before.items() if now[name] != count]
    assert not again, "\n".join(house.stack.supervisor.last_words(name) for name in again)


def is_another(house: House, name: str, pid: int) -> bool:
    """Whether a process runs again, as another."""
    return house.stack.supervisor.pid(name) not in (None, pid)


def are_done(calls: list[Future[int]], count: int) -> bool:
    """Whether so many have ended."""
    return sum(call.done() for call in calls) >= count


def row_5(house: House, jobs: int = 20) -> None:
    """Redis comes back empty while jobs wait."""
    waiting = pictures(house.one, jobs)
    house.kill("redis")
    shutil.rmtree(house.data / "redis")
    all_completed(house.one, waiting)


def row_6(house: House, seconds: float = AWAY_S) -> None:
    """Redis is down: a request is taken or told to come later, reads work, nobody is restarted."""
    before = starts_of_others(house, "redis")
    with load(house, 2) as made:
        with house.stack.supervisor.held("redis"):
            house.kill("redis")
            let_pass(house, seconds)
        house.wait(lambda: house.stack.supervisor.pid("redis"))
    assert made.answers["GET 200"] > 0
    assert_none_restarted(house, before)


def row_7(house: House, calm_s: float = 4) -> None:
    """PostgreSQL restarts, fast and at once, under load: 503 meanwhile, no process is restarted."""
    for name, signum in (("fast", signal.SIGINT), ("immediate", signal.SIGQUIT)):
        print(f"  {name}:")
        before = starts_of_others(house, "postgres")
        with load(house):
            let_pass(house, calm_s)
            pid = house.stack.supervisor.pid("postgres")
            assert pid
            kill(pid, signum)
            house.wait(partial(is_another, house, "postgres", pid))
            house.wait(lambda: house.one.http.get("/health/database/").status_code == 200, 60)
            let_pass(house, calm_s)
        assert_none_restarted(house, before)


def row_8(house: House, submissions: int = 80, kills: int = 3) -> None:
    """Web is killed again and again while jobs are sent: what was accepted or committed ends."""
    before = len(house.one.accepted)

    def submit(number: int) -> int:
        try:
            return house.one.submit(f"{number}.png", PICTURE, "webp").status_code
        except httpx.HTTPError:
            return 0

    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(submit, n) for n in range(submissions)]
        for kill in range(1, kills + 1):
            share = submissions * kill // (kills + 2)
            house.wait(partial(are_done, calls, share), 60)
            house.kill("web")
        house.wait(lambda: all(call.done() for call in calls), 90)
    print(f"  answers {dict(Counter(call.result() for call in calls))}")
    house.wait(lambda: house.one.http.get("/health/").status_code == 200)
    all_completed(house.one, house.one.accepted[before:])
