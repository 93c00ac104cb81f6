"""Client of the fork server: ``call("module:function", payload, …)`` from any process or thread.

One fork server per process and list of modules, started at the first call, replaced when it dies,
never shared over a fork (a Celery prefork child starts its own).
"""

from __future__ import annotations

import array
import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess  # noqa: TID251 (the sandbox is where programs are started)
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import cold, stopping, wire
from sandbox.folders import give, let_read
from sandbox.kernel import landlock_version
from sandbox.outcomes import Crashed, LimitHit, Raised, Returned, SandboxUnavailable
from sandbox.profiles import PROFILES, SandboxProfile

Progress = Callable[[float, str], None]
_GRACE_S = 3.0  # past the deadline the parent itself is taken for hung
_START_S = 60.0


@dataclass
class _Parent:
    process: subprocess.Popen[bytes]
    control: socket.socket
    owner: int


class ForkServer:
    """One warm parent with its imports. Safe to share between threads."""

    def __init__(self, preload: tuple[str, ...] = ()) -> None:
        self.preload = preload
        self._lock = threading.Lock()
        self._parent: _Parent | None = None
        self._pid = os.getpid()

    def warm(self) -> None:
        """Start the parent now, so that the first call doesn't wait for imports."""
        with self._lock:
            self._ready()

    def close(self) -> None:
        """Stop the parent and with it whatever still runs."""
        with self._lock:
            self._stop()

    def call(
        self,
        function: str,
        payload: Any,
        *,
        profile: str | SandboxProfile,
        workdir: Path | None = None,
        readable: tuple[Path, ...] = (),
        deadline_s: float | None = None,
        on_progress: Progress | None = None,
    ) -> Returned:
        """Run ``function(payload, report)`` in a new confined child; JSON goes in and comes out.

        Only ``workdir`` is writable, only ``readable`` and the runtime are visible beside it.
        Raises LimitHit, Crashed, Raised, SandboxUnavailable, Stopped.
        """
        stopping.go_on()
        limits = PROFILES[profile] if isinstance(profile, str) else profile
        deadline = min(deadline_s or limits.wall_s, limits.wall_s)
        if workdir:
            give(str(workdir))
        for path in readable:
            let_read(str(path))
        request = {"function": function, "payload": payload}
        if not landlock_version() and not _namespaces_work():
            return cold.call(request, limits, workdir, readable, deadline)
        channel, status = self._start_call(_order(limits, workdir, readable, deadline))
        with channel, status:
            return self._follow(channel, status, request, deadline, on_progress)

    def _start_call(self, order: dict[str, Any]) -> tuple[socket.socket, socket.socket]:
        body = json.dumps(order).encode()
        with self._lock:
            for attempt in (1, 2):
                parent = self._ready()
                channel, theirs = socket.socketpair()
                status, their_status = socket.socketpair()
                fds = array.array("i", [theirs.fileno(), their_status.fileno()])
                ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds.tobytes())]
                with theirs, their_status:
                    try:
                        parent.control.sendmsg([body], ancillary)
                    except OSError:
                        self._stop()
                        channel.close()
                        status.close()
                        if attempt == 2:
                            raise SandboxUnavailable("the fork server does not start") from None
                        continue
                return channel, status
        raise AssertionError

    def _follow(
        self,
        channel: socket.socket,
        status: socket.socket,
        request: dict[str, Any],
        deadline: float,
        on_progress: Progress | None,
    ) -> Returned:
        limit = time.monotonic() + deadline + _GRACE_S
        channel.settimeout(deadline + _GRACE_S)
        with contextlib.suppress(OSError):
            wire.send(channel, request)
        answer, layers = self._read_answer(channel, limit, on_progress)
        status.settimeout(max(0.1, limit - time.monotonic()))
        try:
            ended = wire.receive(status)
        except (wire.WireBroken, TimeoutError):
            how = self._discard()
            raise Crashed("the fork server died or hung during the call", signal=how) from None
        return _judge(answer, layers, ended)

    @staticmethod
    def _read_answer(
        channel: socket.socket, limit: float, on_progress: Progress | None
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        layers: tuple[str, ...] = ()
        while time.monotonic() < limit:
            if not select.select([channel], [], [], stopping.TICK_S)[0]:
                stopping.go_on()  # the warm parent kills the child when our sockets close
                continue
            try:
                message = wire.receive(channel)
            except (wire.WireBroken, TimeoutError):
                break
            if not isinstance(message, dict):
                break
            if "progress" in message:
                if on_progress:
                    fraction, stage = message["progress"]
                    on_progress(max(0.0, min(1.0, float(fraction))), str(stage)[:200])
            elif set(message) == {"layers"}:
                layers = tuple(message["layers"])
            else:
                return message, layers
        return {}, layers

    def _ready(self) -> _Parent:
        if self._parent and self._parent.owner != os.getpid():
            self.forget()
        if self._parent and self._parent.process.poll() is not None:
            self._stop()
        if self._parent is None:
            self._parent = _spawn(self.preload)
        return self._parent

    def forget(self) -> None:
        """After a fork: drop the server that belongs to the process we were forked from."""
        parent, self._parent = self._parent, None
        if parent:
            parent.control.close()
            parent.process.returncode = 0  # not our child: nothing to wait for

    def _discard(self) -> int | None:
        """Stop the parent; the signal that it had died of before, if any."""
        with self._lock:
            code = self._parent.process.poll() if self._parent else None
            self._stop()
        return -code if code is not None and code < 0 else None

    def _stop(self) -> None:
        parent, self._parent = self._parent, None
        if parent is None or parent.owner != os.getpid():
            return
        parent.control.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(parent.process.pid, signal.SIGKILL)
        parent.process.wait()


def _order(
    limits: SandboxProfile, workdir: Path | None, readable: tuple[Path, ...], deadline: float
) -> dict[str, Any]:
    names = ("cpu_s", "memory_bytes", "output_bytes", "processes", "open_files")
    return {
        "deadline_s": deadline,
        "workdir": str(workdir) if workdir else None,
        "readable": [str(path) for path in readable],
        "total": limits.total_bytes,
        "limits": {name: getattr(limits, name) for name in names},
    }


def _judge(answer: dict[str, Any], layers: tuple[str, ...], ended: dict[str, Any]) -> Returned:
    if ended["killed"] in ("time", "output"):
        raise LimitHit(ended["killed"])
    if "limit" in answer:
        raise LimitHit(answer["limit"])
    if "raised" in answer:
        raise Raised(**answer["raised"])
    if "value" in answer and ended["code"] == 0:
        cost = {name: ended[name] for name in ("wall_s", "cpu_s", "max_rss_bytes")}
        return Returned(value=answer["value"], layers=layers, **cost)
    code = ended["code"]
    if code == -signal.SIGXCPU:
        raise LimitHit("cpu")
    if code == -signal.SIGXFSZ:
        raise LimitHit("output")
    name = f"signal {-code}" if code < 0 else f"exit code {code}"
    raise Crashed(f"the child ended by {name}", signal=-code if code < 0 else None)


def _spawn(preload: tuple[str, ...]) -> _Parent:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    arguments = [str(theirs.fileno()), str(os.getpid()), *preload]
    environment = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",  # threads can't be started in a child
        "OMP_NUM_THREADS": "1",
    }
    process = subprocess.Popen(  # noqa: S603 (own module, own arguments)
        [sys.executable, "-W", "ignore", "-m", "sandbox.forkserver", *arguments],
        env=environment,
        pass_fds=(theirs.fileno(),),
        stdin=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    theirs.close()
    ready, _, _ = select.select([ours], [], [], _START_S)
    if not ready or not ours.recv(4096):
        process.kill()
        process.wait()
        ours.close()
        raise SandboxUnavailable("the fork server does not start")
    return _Parent(process, ours, os.getpid())


def _namespaces_work() -> bool:
    return os.getuid() == 0


_servers: dict[tuple[str, ...], ForkServer] = {}
_servers_lock = threading.Lock()


def server(preload: tuple[str, ...]) -> ForkServer:
    """This process's fork server for a list of modules."""
    with _servers_lock:
        return _servers.setdefault(preload, ForkServer(preload))


def close_all() -> None:
    """End every fork server of this process; it is called at exit."""
    for known in _servers.values():
        known.close()


def _forget_after_fork() -> None:
    global _servers_lock  # noqa: PLW0603
    _servers_lock = threading.Lock()
    for known in _servers.values():
        known.forget()
    _servers.clear()


os.register_at_fork(after_in_child=_forget_after_fork)
atexit.register(close_all)
