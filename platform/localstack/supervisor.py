"""Runs the processes of one stack: started in order, restarted, stopped in reverse."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Self, TextIO

from localstack.lock import AlreadyRunning, take_lock
from localstack.process import (
    Identity,
    end_recorded,
    identify,
    kill_session,
    send,
    spawn,
    write_record,
)

POLL_S = 0.05
QUICK_RESTARTS = 4
CALM_S = 30.0
BACKOFF_S = (0.25, 0.5, 1.0, 2.0)


class StackError(Exception):
    """The stack cannot start; the text says why and where to read more."""


class Stopping(Exception):
    """Somebody asked the stack to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """One program. `prepare` runs before every start (folders that a fault may have taken away)."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    ready: Callable[[], bool] | None = None
    prepare: Callable[[], None] | None = None
    restart: bool = True
    stop_signal: int = signal.SIGTERM
    grace_s: float = 8.0
    ready_timeout_s: float = 60.0


@dataclass(slots=True)
class _Child:
    spec: ProcessSpec
    popen: subprocess.Popen[bytes] | None = None
    identity: Identity | None = None
    starts: int = 0
    started_at: float = 0.0
    deaths: list[float] = field(default_factory=list)
    next_start_at: float = 0.0

    def is_running(self) -> bool:
        return self.popen is not None and self.popen.poll() is None


class Supervisor:
    """Use as a context manager from the main thread (see `process._die_with`)."""

    def __init__(
        self, *, run_dir: Path, log_dir: Path, roots: Sequence[Path], vanish: Sequence[Path] = ()
    ) -> None:
        self.run_dir = run_dir
        self.log_dir = log_dir
        self.roots = [root.resolve() for root in roots]
        # Files that say "it runs": gone before the start and whenever the supervisor is.
        self.vanish = list(vanish)
        self.ended_orphans: list[str] = []
        self._stages: list[list[_Child]] = []
        self._held: set[str] = set()
        self._stop_asked = False
        self._lock: TextIO | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._old_handlers: dict[int, object] = {}

    def __enter__(self) -> Self:
        self.run_dir.mkdir(parents=True, exist_ok=True)
        try:
            self._lock = take_lock(self.run_dir / "supervisor.lock")
        except AlreadyRunning as other:
            raise StackError(f"this stack is running already ({other})") from None
        self._remove_claims()
        self.ended_orphans = end_recorded(self._record, self.roots)
        self._rotate_logs()
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._old_handlers[signum] = signal.signal(signum, self._ask_to_stop)
        self._start_guard()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            self._close()

    def start(self, specs: Sequence[ProcessSpec]) -> None:
        """Starts a stage together and returns when each of its processes is ready."""
        stage = [_Child(spec) for spec in specs]
        self._stages.append(stage)
        for child in stage:
            self._launch(child)
        waiting = [child for child in stage if child.spec.ready]
        while waiting:
            self.pause()
            waiting = [child for child in waiting if not self._is_ready(child)]

    def run_once(self, spec: ProcessSpec, *, timeout_s: float = 300.0) -> None:
        """Runs a command to its end while the others are tended; StackError when it fails."""
        child = _Child(spec)
        stage = [child]
        self._stages.append(stage)
        try:
            self._launch(child)
            deadline = time.monotonic() + timeout_s
            while child.is_running():
                if time.monotonic() > deadline:
                    raise StackError(
                        f"{spec.name} took more than {timeout_s:.0f} s. {self._tail(child)}"
                    )
                self.pause()
            if child.popen and child.popen.returncode:
                raise StackError(f"{spec.name} failed. {self._tail(child)}")
        finally:
            self._stop_stage(stage)
            self._stages.remove(stage)
            self._save()

    def wait(self) -> None:
        """Tends the stack until Ctrl-C or SIGTERM."""
        try:
            while True:
                self.pause()
        except Stopping:
            return

    def pause(self) -> None:
        """One short wait: raises Stopping when asked to stop, restarts what died."""
        if self._stop_asked:
            raise Stopping
        self.tend()
        time.sleep(POLL_S)

    def tend(self) -> None:
        """Starts again what died: at once the first times, then after up to two seconds."""
        for stage in self._stages:
            for child in stage:
                if child.popen and child.popen.poll() is not None:
                    self._bury(child)
                if (
                    not child.popen
                    and child.spec.restart
                    and child.spec.name not in self._held
                    and time.monotonic() >= child.next_start_at
                ):
                    self._launch(child)

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Once it has ended, a process stays down while the block runs."""
        self._held.add(name)
        try:
            yield
        finally:
            self._held.discard(name)

    def starts(self) -> dict[str, int]:
        """How often each process has been started."""
        return {child.spec.name: child.starts for stage in self._stages for child in stage}

    def pid(self, name: str) -> int | None:
        for stage in self._stages:
            for child in stage:
                if child.spec.name == name and child.is_running() and child.popen:
                    return child.popen.pid
        return None

    def last_words(self, name: str, lines: int = 40) -> str:
        """The end of a process's log, over its restarts."""
        for child in (child for stage in self._stages for child in stage):
            if child.spec.name == name:
                return self._tail(child, lines)
        return ""

    def stop(self) -> None:
        """Stops the stages in reverse order; what ignores its signal is killed after its grace."""
        self._remove_claims()
        while self._stages:
            self._stop_stage(self._stages.pop())
            self._save()

    def _remove_claims(self) -> None:
        for file in self.vanish:
            file.unlink(missing_ok=True)

    @property
    def _record(self) -> Path:
        return self.run_dir / "children.json"

    def _ask_to_stop(self, signum: int, frame: FrameType | None) -> None:
        self._stop_asked = True

    def _launch(self, child: _Child) -> None:
        spec = child.spec
        child.next_start_at = time.monotonic() + BACKOFF_S[-1]
        try:
            if spec.prepare:
                spec.prepare()
            child.popen = spawn(
                spec.argv,
                env=spec.env,
                cwd=spec.cwd,
                log=self._log(spec),
                death_signal=spec.stop_signal,
            )
        except OSError as error:
            if not child.starts:
                raise StackError(f"{spec.name} cannot start: {error}") from error
            return
        child.starts += 1
        child.started_at = time.monotonic()
        child.identity = identify(spec.name, child.popen.pid)
        self._save()

    def _bury(self, child: _Child) -> None:
        now = time.monotonic()
        if child.popen:
            kill_session(child.popen.pid)
        if not child.spec.restart:
            return
        child.popen = None
        child.deaths = [at for at in child.deaths if now - at < CALM_S] + [now]
        excess = len(child.deaths) - QUICK_RESTARTS
        child.next_start_at = now + (
            BACKOFF_S[min(excess, len(BACKOFF_S)) - 1] if excess > 0 else 0
        )

    def _is_ready(self, child: _Child) -> bool:
        ready = child.spec.ready
        if not ready or (child.is_running() and ready()):
            return True
        if not child.spec.restart and not child.is_running():
            raise StackError(f"{child.spec.name} ended. {self._tail(child)}")
        if time.monotonic() - child.started_at > child.spec.ready_timeout_s or child.starts > 8:
            raise StackError(f"{child.spec.name} did not become ready. {self._tail(child)}")
        return False

    def _stop_stage(self, stage: Sequence[_Child]) -> None:
        running = [child for child in reversed(stage) if child.is_running()]
        for child in running:
            if child.popen:
                send(child.popen.pid, child.spec.stop_signal)
        asked_at = time.monotonic()
        while any(c.is_running() and time.monotonic() - asked_at < c.spec.grace_s for c in running):
            time.sleep(0.02)
        for child in stage:
            if child.popen:
                kill_session(child.popen.pid)
                child.popen.wait()

    def _save(self) -> None:
        children = [child for stage in self._stages for child in stage]
        write_record(self._record, [c.identity for c in children if c.identity and c.popen])

    def _start_guard(self) -> None:
        source_root = Path(__file__).resolve().parent.parent
        roots = [f"--root={root}" for root in self.roots]
        vanish = [f"--vanish={file.resolve()}" for file in self.vanish]
        self._guard = subprocess.Popen(
            [sys.executable, "-m", "localstack.guard", str(self._record), *roots, *vanish],
            env={"PYTHONPATH": str(source_root)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            # The guard keeps the lock: nobody starts while it tidies up after a dead supervisor.
            pass_fds=[self._lock.fileno()] if self._lock else [],
        )

    def _rotate_logs(self) -> None:
        self.log_dir.mkdir(parents=True, exist_ok=True)
        for log in self.log_dir.glob("*.log"):
            log.replace(log.with_suffix(".log.1"))

    def _log(self, spec: ProcessSpec) -> Path:
        return self.log_dir / f"{spec.name}.log"

    def _tail(self, child: _Child, lines: int = 15) -> str:
        path = self._log(child.spec)
        text = path.read_text(errors="replace").splitlines()[-lines:] if path.exists() else []
        return "\n".join([f"The end of {path}:", *("  " + line for line in text)])

    def _close(self) -> None:
        if self._guard and self._guard.stdin:
            self._guard.stdin.close()
            self._guard.wait(timeout=15)
        for signum, handler in self._old_handlers.items():
            signal.signal(signum, handler)  # type: ignore[arg-type]
        if self._lock:
            self._lock.close()
