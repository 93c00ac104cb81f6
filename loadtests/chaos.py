"""`python -m loadtests.chaos`: 2,000 mixed jobs of 20 tenants while workers are killed at random.

On a stack of its own. Every few seconds SIGKILL goes to one process below one of its workers (its
parent, a child, a warm host, an engine), now and then to all of them. Every file is a good one, so
each job has to complete, unless it was canceled; a job that is blamed for a killed worker is told.
Ends by itself; the last line is ``lost=0 doubled=0``.
"""

from __future__ import annotations

import argparse
import io
import random
import secrets
import signal
import sys
import threading
import time
import wave
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx

from loadtests.house import SAMPLES, V1, House, started
from localstack.process import send

WORKERS = {"worker-convert": 4, "worker-office": 2, "worker-media": 1, "worker-io": 1}  # weights
ALL_AT_ONCE = 0.1  # share of the kills that take the whole worker
CANCELED, TOLD = 0.03, 0.1  # shares of the jobs
BATCH_FILES = 10
SENDERS = 8
BACKLOG = 300  # jobs that may be open before the senders wait
DRAIN_S = 600  # for what was accepted when the time for sending was over
POLL_S = 1.0
SETTLE_S = 180


@dataclass(frozen=True)
class Order:
    """One kind of work: where it is sent, what, and how often among a hundred."""

    share: int
    path: str
    files: tuple[tuple[str, bytes], ...]
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def jobs(self) -> int:
        """How many jobs it makes."""
        return len(self.files) if self.path == "conversions/batch-convert/" else 1


def convert(share: int, name: str, content: bytes, to: str) -> Order:
    """A single conversion."""
    return Order(share, "conversions/convert/", ((name, content),), {"output_format": to})


def orders() -> list[Order]:
    """Pictures, markup, data, subtitles, office, PDF, sound, film, tools, batches."""
    picture, paper = (SAMPLES / "landscape.png").read_bytes(), (SAMPLES / "paper.pdf").read_bytes()
    film, report = (SAMPLES / "clip.mp4").read_bytes(), (SAMPLES / "report.docx").read_bytes()
    text = b"# Title\n\n" + b"Some *words* and [a link](https://example.com).\n\n" * 20
    titles = b"1\n00:00:01,000 --> 00:00:02,000\nHello\n\n2\n00:00:03,000 --> 00:00:04,000\nBye\n"
    table = b"name,count\n" + b"".join(b"thing %d,%d\n" % (n, n) for n in range(200))
    many = tuple((f"{n}.png", picture) for n in range(BATCH_FILES))
    return [
        convert(32, "picture.png", picture, "webp"),
        convert(10, "picture.png", picture, "jpg"),
        convert(10, "notes.md", text, "html"),
        convert(5, "notes.md", text, "docx"),
        convert(10, "table.csv", table, "json"),
        convert(6, "film.srt", titles, "vtt"),
        convert(3, "report.docx", report, "pdf"),
        convert(5, "paper.pdf", paper, "txt"),
        convert(2, "sound.wav", sound(), "mp3"),
        convert(1, "clip.mp4", film, "mkv"),
        Order(7, "tools/compress-image/", (("picture.png", picture),)),
        Order(3, "tools/merge-pdf/", (("a.pdf", paper), ("b.pdf", paper))),
        Order(4, "tools/rotate-pdf/", (("a.pdf", paper),), {"options": '{"angle": "90"}'}),
        Order(2, "conversions/batch-convert/", many, {"output_format": "webp"}),
    ]


def sound() -> bytes:
    """A second of noise."""
    target = io.BytesIO()
    with wave.open(target, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(random.Random(1).randbytes(32_000))  # noqa: S311 - no secret
    return target.getvalue()


class Customers:
    """Who sends, and what they were promised."""

    def __init__(self, house: House, count: int) -> None:
        self.house = house
        self.rows = house.customers(count)
        self.callers = [house.by_key(row["api_key"]) for row in self.rows]
        self.accepted: dict[str, list[str]] = {row["schema"]: [] for row in self.rows}
        self.refused: Counter[str] = Counter()
        self.may_send, self.is_over = threading.Event(), False
        self.may_send.set()

    def send(self, number: int, order: Order) -> None:
        """One order of one of them, until it is accepted; now and then canceled at once."""
        self.may_send.wait()
        if self.is_over:
            return
        dice = random.Random(number)  # noqa: S311 - no secret
        who = number % len(self.rows)
        http, schema = self.callers[who].http, self.rows[who]["schema"]
        fields = dict(order.fields)
        if dice.random() < TOLD:
            fields["webhook_url"] = self.house.receiver_url
        name = "files" if len(order.files) > 1 else "file"
        files = [(name, file) for file in order.files]
        reply = self.until_accepted(http, order.path, fields, files, secrets.token_hex(8))
        body = reply.json()
        self.accepted[schema] += [job["id"] for job in body.get("jobs", [body])]
        if dice.random() < CANCELED and order.jobs == 1:
            http.post(f"{V1}/conversions/jobs/{body['id']}/cancel/")

    def until_accepted(
        self,
        http: httpx.Client,
        path: str,
        fields: dict[str, str],
        files: list[tuple[str, tuple[str, bytes]]],
        key: str,
    ) -> httpx.Response:
        """The 202; asked again under the same Idempotency-Key while the answer says to wait."""
        while True:
            headers = {"Idempotency-Key": key}
            try:
                reply = http.post(f"{V1}/{path}", data=fields, files=files, headers=headers)
            except httpx.HTTPError as error:
                self.refused[type(error).__name__] += 1
                continue
            if reply.status_code == 202:
                return reply
            self.refused[str(reply.status_code)] += 1
            if reply.status_code not in (409, 429, 503):
                raise RuntimeError(f"{path}: {reply.status_code} {reply.text[:300]}")
            time.sleep(min(float(reply.headers.get("Retry-After", "1")), 5))

    @property
    def total(self) -> int:
        """Jobs that were accepted."""
        return sum(map(len, self.accepted.values()))


def drawn(jobs: int, seed: int) -> list[Order]:
    """Orders that make at least so many jobs."""
    dice, kinds = random.Random(seed), orders()  # noqa: S311 - no secret
    chosen: list[Order] = []
    while sum(order.jobs for order in chosen) < jobs:
        chosen += dice.choices(kinds, [order.share for order in kinds])
    return chosen


class Killer:
    """SIGKILL to processes of this stack's workers, every few seconds."""

    def __init__(self, house: House, every_s: float, seed: int) -> None:
        self.house, self.every_s = house, every_s
        self.dice = random.Random(seed)  # noqa: S311 - no secret
        self.kills: Counter[str] = Counter()
        self.next_at = time.monotonic() + every_s

    def look(self) -> None:
        """Kill when it is time."""
        if time.monotonic() < self.next_at:
            return
        self.next_at = time.monotonic() + self.every_s * self.dice.uniform(0.5, 1.5)
        name = self.dice.choices(list(WORKERS), list(WORKERS.values()))[0]
        if not self.works(name):
            return
        family = self.house.tree(name)
        if self.dice.random() < ALL_AT_ONCE:
            self.kills[f"{name} (all)"] += 1
            for pid in family:
                send(pid, signal.SIGKILL)
        elif send(self.dice.choice(family), signal.SIGKILL):
            self.kills[name] += 1

    def works(self, name: str) -> bool:
        """Whether it has come up since it was last started: one that starts holds no job."""
        log = self.house.stack.layout.log / f"{name}.log"
        starts = self.house.stack.supervisor.starts()[name]
        return log.read_text(errors="replace").count(" ready.") >= starts


def storm(
    house: House, customers: Customers, chosen: list[Order], killer: Killer, most_s: float
) -> float:
    """Send while the killer goes round, for so long at most. Seconds until the last had ended."""
    begun = time.monotonic()

    def sent(calls: list[Future[None]]) -> bool:
        (customers.may_send.clear if open_jobs(house) > BACKLOG else customers.may_send.set)()
        return all(call.done() for call in calls)

    with ThreadPoolExecutor(SENDERS) as pool:
        calls = [pool.submit(customers.send, n, order) for n, order in enumerate(chosen)]
        try:
            tend(house, killer, lambda: sent(calls), most_s)
        finally:  # also when somebody stops us: the pool waits for its threads
            customers.is_over = True
            customers.may_send.set()
        tend(house, killer, lambda: all(call.done() for call in calls), DRAIN_S)
    for call in calls:
        call.result()
    tend(house, killer, lambda: not open_jobs(house), DRAIN_S)
    return time.monotonic() - begun


def tend(house: House, killer: Killer, done: Callable[[], bool], most_s: float) -> None:
    """The main thread's round: tend the stack, kill, look; until it is done or time is up."""
    ends_at, look_at = time.monotonic() + most_s, 0.0
    while time.monotonic() < ends_at:
        house.pause()
        killer.look()
        if time.monotonic() >= look_at:
            look_at = time.monotonic() + POLL_S
            if done():
                return


def open_jobs(house: House) -> int:
    """Tickets of jobs that have not ended."""
    sql = """SELECT count(*) FROM dispatch_ticket WHERE task = 'conversions.run_job'
             AND state IN ('waiting', 'sent', 'running')"""
    return int(house.rows(sql)[0][0])


def tell(house: House, customers: Customers) -> int:
    """How the jobs ended. Returns how many were blamed for what we did."""
    states: Counter[str] = Counter()
    attempts: Counter[int] = Counter()
    blamed = 0
    for row in customers.rows:
        sql = f"SELECT id, status, attempts, error->>'code' FROM {row['schema']}.conversions_job"  # noqa: S608 - our own name
        for name, status, tries, code in house.rows(sql):
            states[status if status != "failed" else f"failed {code}"] += 1
            attempts[tries] += 1
            if status == "failed":
                blamed += 1
                print(f"blamed: {row['schema']} {name} {code} after {tries} attempts")
    print(f"ended as {dict(states)}; attempts {dict(sorted(attempts.items()))}")
    return blamed


def run(house: House, *, jobs: int, tenants: int, kill_s: float, most_s: float, seed: int) -> int:
    """The whole, on a running house. 0 when nothing was lost, doubled or blamed."""
    customers, killer = Customers(house, tenants), Killer(house, kill_s, seed)
    took = storm(house, customers, drawn(jobs, seed), killer, most_s)
    kills = sum(killer.kills.values())
    print(f"{customers.total} of {jobs} jobs of {tenants} tenants in {took:.0f} s, {kills} kills:")
    print(f"  {dict(killer.kills)}; refused for a moment {dict(customers.refused)}")
    found = house.judge(customers.accepted, timeout_s=SETTLE_S)
    blamed = tell(house, customers)
    print(f"blamed={blamed}")
    print(found.told())
    return 0 if found.is_clean and not blamed else 1


def main() -> int:
    """From the command line."""
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--jobs", type=int, default=2000)
    wanted.add_argument("--tenants", type=int, default=20)
    wanted.add_argument("--kill", type=float, default=4, help="seconds between two SIGKILLs")
    wanted.add_argument("--minutes", type=float, default=40, help="to send in, at most")
    wanted.add_argument("--seed", type=int, default=20261121)
    asked = wanted.parse_args()
    with started({}) as house:
        return run(
            house,
            jobs=asked.jobs,
            tenants=asked.tenants,
            kill_s=asked.kill,
            most_s=asked.minutes * 60,
            seed=asked.seed,
        )


if __name__ == "__main__":
    sys.exit(main())
