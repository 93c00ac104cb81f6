"""Warm hosts: long-lived sandboxed programs that take one JSON line per call and answer with one.

A host is replaced after a number of calls, when it has grown, and on any doubt (time, crash,
nonsense). Its private folder is the only thing shared with it, and is emptied between calls.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import select
import shutil
import signal
import subprocess  # noqa: TID251 (the sandbox is where programs are started)
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import bwrap, stopping
from sandbox.folders import fresh_user, give, tree_bytes
from sandbox.outcomes import Crashed, LimitHit, SandboxUnavailable
from sandbox.profiles import NOBODY, PROFILES
from sandbox.usage import processor_seconds

_MAX_LINE = 4 << 20
_FOLDER = "filemill-host-"  # then the host's name and the pid of its owner


@dataclass(frozen=True, kw_only=True)
class HostPlan:
    """How a kind of host is started and when it is replaced."""

    name: str
    argv: Callable[[Path], list[str]]  # given the private folder
    files: tuple[Path, ...]  # copied into the private folder before the start
    profile: str
    start_s: float = 30.0
    max_calls: int = 80
    max_rss_bytes: int = 600 << 20


class _Spawner:
    """One lasting thread that starts programs: PDEATHSIG counts from the starting *thread*."""

    def __init__(self) -> None:
        self.orders: queue.SimpleQueue[tuple[list[str], queue.SimpleQueue[Any]]]
        self.orders = queue.SimpleQueue()
        self.owner = os.getpid()
        threading.Thread(target=self._serve, name="sandbox-spawner", daemon=True).start()

    def _serve(self) -> None:
        while True:
            argv, answer = self.orders.get()
            try:
                answer.put(_popen(argv))
            except OSError as error:
                answer.put(error)

    def start(self, argv: list[str]) -> subprocess.Popen[bytes]:
        answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.orders.put((argv, answer))
        process = answer.get()
        if isinstance(process, OSError):
            raise SandboxUnavailable(str(process)) from process
        started: subprocess.Popen[bytes] = process
        return started


def _popen(argv: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )


_spawner: _Spawner | None = None
_spawner_lock = threading.Lock()


def _spawn(argv: list[str]) -> subprocess.Popen[bytes]:
    global _spawner  # noqa: PLW0603
    with _spawner_lock:
        if _spawner is None or _spawner.owner != os.getpid():
            _spawner = _Spawner()
    return _spawner.start(argv)


class WarmHost:
    """One host of this process; calls queue up behind a lock."""

    def __init__(self, plan: HostPlan) -> None:
        self.plan = plan
        self.starts, self.user = 0, NOBODY
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._calls, self._rss, self._buffer = 0, 0, b""

    def warm(self) -> None:
        """Start the host now."""
        with self._lock:
            self._ready()

    def close(self) -> None:
        """Stop the host and remove its folder."""
        with self._lock:
            self._stop()

    @property
    def pid(self) -> int | None:
        """Process id of the running host's outermost process."""
        return self._process.pid if self._process else None

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """The host for one call: put files in, ask, take files out. Emptied afterwards."""
        with self._lock:
            folder = self._ready()
            inner = folder / "call"
            inner.mkdir()
            try:
                yield Session(self, inner)
            finally:
                shutil.rmtree(inner, ignore_errors=True)
                if inner.exists():
                    self._stop()

    def ask(
        self, request: dict[str, Any], deadline_s: float, cpu_s: float | None = None
    ) -> dict[str, Any]:
        """One question within a session; any doubt stops the host. Used by Session."""
        process = self._process
        if process is None or process.stdin is None:
            raise Crashed(f"the {self.plan.name} host is gone")
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            answer = self._line(time.monotonic() + deadline_s, cpu_s)
        except BaseException as error:
            self._stop()
            if isinstance(error, OSError | ValueError):
                raise Crashed(f"the {self.plan.name} host died: {error}") from error
            raise
        self._calls += 1
        self._rss = int(answer.get("rss_bytes") or 0)
        return answer

    def _line(self, deadline: float, cpu_s: float | None = None) -> dict[str, Any]:
        process, folder = self._process, self._folder
        assert process and process.stdout and folder  # noqa: S101, PT018
        most = PROFILES[self.plan.profile].total_bytes
        used_before: float | None = None  # known after the first tick: most calls end before it
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise LimitHit("time")
            ready, _, _ = select.select([process.stdout], [], [], min(left, stopping.TICK_S))
            stopping.go_on()
            if not ready:
                if tree_bytes(str(folder), stop_at=most) > most:
                    raise LimitHit("output")
                used = processor_seconds(process.pid) if cpu_s else 0.0
                used_before = used if used_before is None else used_before
                if cpu_s and used - used_before > cpu_s:
                    raise LimitHit("cpu")
                continue
            piece = os.read(process.stdout.fileno(), 65_536)
            self._buffer += piece
            if not piece or len(self._buffer) > _MAX_LINE:
                raise Crashed(f"the {self.plan.name} host ended")
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise Crashed(f"the {self.plan.name} host talks nonsense")
        return answer

    def _ready(self) -> Path:
        worn = self._calls >= self.plan.max_calls or self._rss > self.plan.max_rss_bytes
        if self._process and (worn or self._process.poll() is not None):
            self._stop()
        if self._process is None:
            self._start()
        assert self._folder is not None  # noqa: S101
        return self._folder

    def _start(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{self.plan.name}-{os.getpid()}-"))
        self._folder, self._calls, self._rss, self._buffer = folder, 0, 0, b""
        for file in self.plan.files:
            shutil.copy(file, folder / file.name)
        self.user = fresh_user()
        give(str(folder), self.user)
        limits = PROFILES[self.plan.profile]
        self._process = _spawn(
            bwrap.command(self.plan.argv(folder), limits, folder, user=self.user)
        )
        self.starts += 1
        try:
            ready = self._line(time.monotonic() + self.plan.start_s).get("ready")
        except (LimitHit, Crashed, OSError, ValueError) as error:
            ready = None
            reason = str(error)
        except BaseException:
            self._stop()  # asked to end while it starts: half a host is none
            raise
        if not ready:
            self._stop()
            raise SandboxUnavailable(f"the {self.plan.name} host does not start: {reason}")

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    with contextlib.suppress(OSError):
                        pipe.close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None

    def forget(self) -> None:
        """After a fork: this host belongs to the process we were forked from."""
        if self._process:
            self._process.returncode = 0
        self._process = self._folder = None
        self._lock = threading.Lock()


@dataclass(frozen=True)
class Session:
    """Exclusive use of a host; ``folder`` is shared with it."""

    host: WarmHost
    folder: Path

    def give(self) -> None:
        """Hand what was put into the folder over to the host's user."""
        give(str(self.folder), self.host.user)

    def ask(
        self, request: dict[str, Any], *, deadline_s: float, cpu_s: float | None = None
    ) -> dict[str, Any]:
        """Send a question and wait for its answer, at most ``deadline_s`` seconds on the clock and
        ``cpu_s`` of the processor. LimitHit, Crashed: the host was replaced.
        """
        return self.host.ask(request, deadline_s, cpu_s)


_hosts: dict[str, WarmHost] = {}
_hosts_lock = threading.Lock()


def host(plan: HostPlan) -> WarmHost:
    """This process's host of a kind."""
    with _hosts_lock:
        return _hosts.setdefault(plan.name, WarmHost(plan))


def close_all() -> None:
    """Stop every host of this process (worker shutdown)."""
    for one in list(_hosts.values()):
        one.close()


def _forget_after_fork() -> None:
    global _hosts_lock, _spawner_lock
    _hosts_lock, _spawner_lock = threading.Lock(), threading.Lock()
    for one in _hosts.values():
        one.forget()
    _hosts.clear()


os.register_at_fork(after_in_child=_forget_after_fork)


def sweep_folders() -> list[str]:
    """Remove the folders of hosts whose owner was killed. Their names."""
    left = []
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        owner = folder.name.split("-")[-2]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(folder, ignore_errors=True)
            left.append(folder.name)
    return left
