"""The whole product in real processes, for scripts and tests that break it on purpose.

Everything that is stopped or killed here lies below the stack that ``started`` began.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg
from celery import Celery

from loadtests.history import Findings, check, dsn_of
from loadtests.small_disk import SmallDisk, small_disk
from localstack import ports
from localstack.process import pids, read_stat, send
from localstack.serve import ROOT, running
from localstack.stack import Layout, Stack
from localstack.supervisor import ProcessSpec
from tests.waiting import wait_until

SAMPLES = ROOT / "platform" / "localstack" / "samples"
ENDED = ("completed", "failed", "canceled", "expired")
V1 = "/api/v1"
# The stack makes its own services, whatever the shell has set for another one.
FOREIGN = ("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD", "REDIS_URL")
# Deliveries that wait for their next attempt are under way for a day.
UNSETTLED = """
SELECT EXISTS (SELECT 1 FROM dispatch_ticket WHERE state IN ('waiting', 'sent', 'running')
                 AND NOT (task = 'webhooks.attempt' AND run_after > now()))
    OR EXISTS (SELECT 1 FROM outbox_outboxevent WHERE relayed_at IS NULL)
"""
Found = TypeVar("Found")


class Caller:
    """One customer, over HTTP."""

    def __init__(self, base_url: str, headers: dict[str, str], pause: Callable[[], None]) -> None:
        self.http = httpx.Client(base_url=base_url, headers=headers, timeout=60, trust_env=False)
        self.pause = pause
        self.accepted: list[str] = []  # jobs that were answered with 202

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
        reply = self.http.post(
            f"{V1}/conversions/convert/",
            files={"file": (name, content)},
            data={"output_format": to, **fields},
        )
        if reply.status_code == 202:
            self.accepted.append(str(reply.json()["id"]))
        return reply

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

        return wait_until(ended, timeout_s=timeout_s, pause=self.pause) or {}

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
        self.disk: SmallDisk | None = None
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
        return wait_until(condition, timeout_s=timeout_s, pause=self.pause)

    @property
    def data(self) -> Path:
        """The stack's folder."""
        return self.stack.layout.data

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of trusted SQL, in the product's database."""
        with psycopg.connect(dsn_of(self.data), autocommit=True) as session:
            found = session.execute(sql.encode())
            return found.fetchall() if found.description else []

    def program(self, module: str, *arguments: str, name: str = "") -> str:
        """Run one of our modules with the stack's settings, to its end. What it wrote."""
        stack = self.stack
        argv = [sys.executable, "-m", module, *arguments]
        name = name or module.rpartition(".")[2]
        log = stack.layout.log / f"{name}.log"
        before = log.stat().st_size if log.exists() else 0
        spec = ProcessSpec(name=name, argv=argv, env=stack.env, cwd=ROOT, restart=False)
        stack.supervisor.run_once(spec)
        return log.read_text()[before:]

    def customers(self, count: int) -> list[dict[str, Any]]:
        """So many new tenants: [{slug, schema, api_key, seconds}]."""
        out = self.data / "customers.json"
        self.program("loadtests.customers", str(count), str(out))
        made: list[dict[str, Any]] = json.loads(out.read_text())
        return made

    def schema(self, number: int) -> str:
        """The schema of one of the demo's tenants."""
        slug = self.demo["tenants"][number]["slug"]
        found = self.rows(f"SELECT schema_name FROM tenants_tenant WHERE slug = '{slug}'")  # noqa: S608 - ours
        return str(found[0][0])

    def ring(self, task: str, *arguments: Any, schema: str = "", queue: str = "io") -> None:
        """Send Celery a message, as anybody who can reach Redis could."""
        headers = {"tenant": schema} if schema else {}
        with Celery(broker=self.stack.env["CELERY_BROKER_URL"]) as app:
            app.send_task(task, args=arguments, queue=queue, headers=headers, ignore_result=True)

    def is_settled(self) -> bool:
        """Whether nothing is under way: no open job, no event that was not handed over."""
        try:
            return self.rows(UNSETTLED) == [(False,)]
        except psycopg.OperationalError:
            return False

    def judge(
        self,
        accepted: Mapping[str, Iterable[str]] | None = None,
        *,
        timeout_s: float = 120,
        tidy: bool = True,
    ) -> Findings:
        """Wait until all has settled, let the product tidy up, then hold everything together.

        Without ``tidy`` (it takes seconds) files that no row names are left out.
        """
        if accepted is None:
            accepted = {self.schema(n): who.accepted for n, who in enumerate((self.one, self.two))}
        with suppress(AssertionError):  # what is under way still is told by the checker
            self.wait(self.is_settled, timeout_s)
        removed = self.tidy_up() if tidy else 0
        found = check(
            dsn_of(self.data),
            self.data / "storage",
            settled=True,
            strays=tidy,
            accepted=accepted,
        )
        found.seen["strays removed"] = removed
        return found

    def tidy_up(self) -> int:
        """The product's own sweep of files that no row names, without its patience. How many."""
        sweep = ("find_orphans", "--fix", "--older-hours", "0")
        lines = self.program("manage", *sweep, name="find_orphans").splitlines()
        return sum(line.startswith("file without row") for line in lines)


def below(top: int) -> list[int]:
    """A process and everything below it."""
    found = [top]
    parents = {pid: stat.parent for pid in pids() if (stat := read_stat(pid))}
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


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
            small_disk(data / "storage") as disk,
            environment(settings),
            running(Layout(ROOT, data, ports.free_ports(1)[0])) as (stack, demo),
        ):
            signal.signal(signal.SIGINT, interrupt)
            made = House(stack, demo)
            made.disk = disk
            yield made
            for caller in made.callers:
                caller.http.close()
    finally:
        shutil.rmtree(data, ignore_errors=True)


@contextmanager
def on_disk(name: str) -> Iterator[House]:
    """The same for measuring: under var/, on the disk that the checkout lies on."""
    data = ROOT / "var" / name
    shutil.rmtree(data, ignore_errors=True)
    try:
        with (
            environment({}),
            running(Layout(ROOT, data, ports.free_ports(1)[0])) as (stack, demo),
        ):
            yield House(stack, demo)
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
