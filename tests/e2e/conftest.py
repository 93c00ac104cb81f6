"""The whole product in real processes, once for the session; what the faults kill is below it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from localstack import ports
from localstack.process import pids, read_stat
from localstack.serve import running
from localstack.stack import Layout, Stack
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "platform" / "localstack" / "samples"
ENDED = ("completed", "failed", "canceled", "expired")
V1 = "/api/v1"
JOB_MAX_S = 20
# A short lease so that a killed worker's job comes back soon; the order engine < lease is kept by
# the heartbeat. The job limit is what the hanging job runs into.
SETTINGS = {"DISPATCH_LEASE_SECONDS": "5", "JOB_MAX_SECONDS": str(JOB_MAX_S)}
FOREIGN = ("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD", "REDIS_URL")


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
        import json

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
        found = [top]
        parents = {pid: stat.parent for pid in pids() if (stat := read_stat(pid))}
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found

    def kill(self, name: str) -> None:
        """SIGKILL to a process of the stack with everything below it."""
        for pid in self.tree(name):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def wait(self, condition: Callable[[], Any], timeout_s: float = 30) -> Any:
        """Wait while the supervisor tends its children."""
        return wait_until(condition, timeout_s=timeout_s, pause=self.pause)


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    """Started on free ports in a folder of its own; stopped and removed afterwards."""
    data = Path(tempfile.mkdtemp(prefix="fm-e2e-"))
    data.chmod(0o755)
    interrupt = signal.getsignal(signal.SIGINT)
    with pytest.MonkeyPatch.context() as patch:
        for name in FOREIGN:
            patch.delenv(name, raising=False)
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        with running(Layout(ROOT, data, ports.free_ports(1)[0])) as (stack, demo):
            signal.signal(signal.SIGINT, interrupt)
            made = House(stack, demo)
            yield made
            for caller in made.callers:
                caller.http.close()
    shutil.rmtree(data, ignore_errors=True)
