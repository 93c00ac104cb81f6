"""The whole product in real processes, for scripts and tests that break it on purpose.

Everything that is stopped or killed here lies below the stack that ``started`` began.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from localstack import ports
from localstack.process import pids, read_stat
from localstack.serve import ROOT, running
from localstack.stack import Layout, Stack

SAMPLES = ROOT / "platform" / "localstack" / "samples"
ENDED = ("completed", "failed", "canceled", "expired")
V1 = "/api/v1"
# The stack makes its own services, whatever the shell has set for another one.
FOREIGN = ("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD", "REDIS_URL")
Found = TypeVar("Found")


class Caller:
    """One customer, over HTTP."""

    def __init__(self, base_url: str, headers: dict[str, str], pause: Callable[[], None]) -> None:
        self.http = httpx.Client(base_url=base_url, headers=headers, timeout=60, trust_env=False)
        self.pause = pause

    def get(self, path: str) -> Any:
        """JSON of a 200."""
        reply = self.http.get(f"{V1}/{path}")
        assert reply.status_code == 200, reply.text
        return reply.json()

    def post(self, path: str, body: dict[str, Any], status: int) -> Any:
        """JSON of the expected status."""
        reply = self.http.post(f"{V1}/{path}", json=body)
        assert reply.status_code == status, reply.text
        return reply.json()

    def submit(self, name: str, content: bytes, to: str, **fields: str) -> httpx.Response:
        """POST convert/."""
        return self.http.post(
            f"{V1}/conversions/convert/",
            files={"file": (name, content)},
            data={"output_format": to, **fields},
        )

    def convert(self, name: str, content: bytes, to: str, **fields: str) -> str:
        """The id of an accepted job."""
        reply = self.submit(name, content, to, **fields)
        assert reply.status_code == 202, reply.text
        return str(reply.json()["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """The job."""
        found: dict[str, Any] = self.get(f"conversions/jobs/{job_id}/")
        return found

    def finished(self, job_id: str, timeout_s: float = 60) -> dict[str, Any]:
        """The job, once it has ended. A front that is away for a moment is asked again."""

        def ended() -> dict[str, Any] | None:
            reply = self.http.get(f"{V1}/conversions/jobs/{job_id}/")
            job: dict[str, Any] = reply.json() if reply.status_code == 200 else {}
            return job if job.get("status") in ENDED else None

        return until(ended, timeout_s=timeout_s, pause=self.pause) or {}

    def download(self, job_id: str) -> bytes:
        """The result."""
        reply = self.http.get(f"{V1}/conversions/jobs/{job_id}/download/")
        assert reply.status_code == 200, reply.text
        return reply.content

    def used(self) -> int:
        """Conversions charged."""
        return int(self.get("conversions/quota/")["conversions"]["used"])


class House:
    """The running stack and who lives in it."""

    def __init__(self, stack: Stack, demo: dict[str, Any]) -> None:
        self.stack, self.demo = stack, demo
        self.pause = stack.supervisor.pause
        self.callers: list[Caller] = []
        self.one, self.two = (self.by_key(t["api_key"]) for t in demo["tenants"][:2])

    def caller(self, headers: dict[str, str]) -> Caller:
        """Somebody with these headers."""
        made = Caller(self.demo["base_url"], headers, self.pause)
        self.callers.append(made)
        return made

    def by_key(self, key: str) -> Caller:
        """Somebody with a key."""
        return self.caller({"Authorization": f"Api-Key {key}"})

    @property
    def receiver_url(self) -> str:
        """Where webhooks go."""
        return str(self.demo["webhook_receiver"]["url"])

    def webhooks(self, job_id: str, type: str) -> list[dict[str, Any]]:
        """What the receiver got about a job."""
        log = self.stack.receiver_log
        lines = map(json.loads, log.read_text().splitlines() if log.exists() else [])
        return [
            line
            for line in lines
            if job_id in line["body"] and json.loads(line["body"])["type"] == type
        ]

    def tree(self, name: str) -> list[int]:
        """Pids of one of the stack's processes and of everything below it."""
        top = self.stack.supervisor.pid(name)
        assert top, name
        return below(top)

    def kill(self, name: str) -> None:
        """SIGKILL to a process of the stack with everything below it."""
        for pid in self.tree(name):
            send(pid, signal.SIGKILL)

    def wait(self, condition: Callable[[], Found], timeout_s: float = 30) -> Found:
        """Wait while the supervisor tends its children."""
        return until(condition, timeout_s=timeout_s, pause=self.pause)

    def query(self, sql: str) -> list[str]:
        """Rows of trusted SQL, in the product's database."""
        assert self.stack.postgres
        return self.stack.postgres.query(sql, database="filemill").splitlines()


def below(top: int) -> list[int]:
    """A process and everything below it."""
    found = [top]
    parents = {pid: stat.parent for pid in pids() if (stat := read_stat(pid))}
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def send(pid: int, signum: int) -> bool:
    """False when the process is gone already."""
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        return False
    return True


def until(condition: Callable[[], Found], *, timeout_s: float, pause: Callable[[], None]) -> Found:
    """The first true value of ``condition``; AssertionError when there is none in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:.0f} s: {condition}")
        pause()


@contextmanager
def started(settings: Mapping[str, str]) -> Iterator[House]:
    """A stack on free ports in a folder of its own; stopped and removed afterwards.

    From the main thread: what it starts dies with it.
    """
    data = Path(tempfile.mkdtemp(prefix="fm-house-"))
    data.chmod(0o755)
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        with (
            environment(settings),
            running(Layout(ROOT, data, ports.free_ports(1)[0])) as (stack, demo),
        ):
            signal.signal(signal.SIGINT, interrupt)
            made = House(stack, demo)
            yield made
            for caller in made.callers:
                caller.http.close()
    finally:
        shutil.rmtree(data, ignore_errors=True)


@contextmanager
def environment(settings: Mapping[str, str]) -> Iterator[None]:
    """These settings in the environment, and no services of others, while the block runs."""
    names = (*settings, *FOREIGN)
    before = {name: os.environ.get(name) for name in names}  # noqa: TID251 - a launcher's own
    try:
        for name in names:
            put(name, settings.get(name))
        yield
    finally:
        for name, value in before.items():
            put(name, value)


def put(name: str, value: str | None) -> None:
    """Set a variable, or take it away."""
    if value is None:
        os.environ.pop(name, None)  # noqa: TID251
    else:
        os.environ[name] = value  # noqa: TID251
