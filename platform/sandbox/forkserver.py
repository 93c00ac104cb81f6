"""Warm parent: imports a list of modules once, then forks one confined child per call.

Run as ``python -m sandbox.forkserver FD OWNER_PID MODULE…``; FD is a SEQPACKET socket. Each request
carries two sockets: one for the child (payload, progress, result), one for this parent (how the
child ended). The parent never reads what a child says.
"""

from __future__ import annotations

import array
import contextlib
import errno
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from dataclasses import dataclass, field
from typing import Any

from sandbox import kernel, wire
from sandbox.confine import Confinement, confine, leave_network, runtime_paths
from sandbox.folders import tree_bytes

_WATCH_S = 0.1  # how often work folders are measured while calls run


@dataclass
class _Running:
    pid: int
    status: socket.socket
    deadline: float
    started: float
    workdir: str | None
    total_bytes: int
    killed: str | None = field(default=None)


def _answer(channel: socket.socket, layers: tuple[str, ...]) -> None:
    """In the child: run the function and send what came of it."""
    request = wire.receive(channel)
    module, _, name = request["function"].partition(":")

    def report(fraction: float, stage: str) -> None:
        wire.send(channel, {"progress": [fraction, stage]})

    try:
        function = getattr(importlib.import_module(module), name)
        value = function(request["payload"], report)
        wire.send(channel, {"value": value, "layers": layers})
    except MemoryError:
        wire.send(channel, {"limit": "memory"})
    except Exception as error:
        full = isinstance(error, OSError) and error.errno in (errno.EFBIG, errno.ENOSPC)
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        trace = traceback.format_exc()[-4000:]
        message = {"kind": kind, "text": str(error)[:2000], "trace": trace}
        wire.send(channel, {"limit": "output"} if full else {"raised": message})


def _child(
    channel: socket.socket,
    order: dict[str, Any],
    visible: tuple[str, ...],
    network: tuple[str, ...],
) -> None:
    parent = os.getppid()
    os.setsid()
    for number in (signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    keep = channel.fileno()
    os.dup2(keep, 3)
    os.closerange(4, 4096)
    channel.detach()
    channel = socket.socket(fileno=3)
    readable = (*visible, *order["readable"])
    box = Confinement(readable=readable, writable=order["workdir"], **order["limits"])
    layers = confine(box, parent, network)
    if order["workdir"]:
        os.chdir(order["workdir"])
        os.environ["TMPDIR"] = os.environ["HOME"] = order["workdir"]  # noqa: TID251 (own process)
    silence = os.open("/dev/null", os.O_RDWR)
    for stream in (0, 1, 2):  # what hostile work prints is nobody's log
        os.dup2(silence, stream)
    wire.send(channel, {"layers": layers})
    _answer(channel, layers)


class _Server:
    def __init__(self, control: socket.socket, owner: int, network: tuple[str, ...]) -> None:
        self.network = network
        self.control = control
        self.visible = runtime_paths()
        self.running: dict[int, _Running] = {}
        self.poll = selectors.DefaultSelector()
        self.poll.register(control, selectors.EVENT_READ, "control")
        self.poll.register(owner, selectors.EVENT_READ, "owner")

    def serve(self) -> None:
        """Until the owner is gone."""
        while True:
            for key, _ in self.poll.select(_WATCH_S if self.running else None):
                if key.data == "owner":
                    return
                if key.data == "control" and not self._accept():
                    return
                if isinstance(key.data, tuple):
                    self._event(*key.data)
            self._watch()

    def _accept(self) -> bool:
        size = array.array("i").itemsize * 2
        data, ancillary, _, _ = self.control.recvmsg(1 << 18, socket.CMSG_SPACE(size))
        if not data:
            return False
        numbers = array.array("i")
        for _level, _kind, payload in ancillary:
            numbers.frombytes(payload[: len(payload) - len(payload) % numbers.itemsize])
        call, status = (socket.socket(fileno=number) for number in numbers)
        order = json.loads(data)
        started = time.monotonic()
        pid = os.fork()
        if pid == 0:
            self._in_child(call, order)
        call.close()
        self._note(pid, status, order, started)
        return True

    def _in_child(self, call: socket.socket, order: dict[str, Any]) -> None:
        code = 1
        try:
            _child(call, order, self.visible, self.network)
            code = 0
        except BaseException:
            with contextlib.suppress(Exception):
                os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(code)

    def _note(self, pid: int, status: socket.socket, order: dict[str, Any], started: float) -> None:
        watch = os.pidfd_open(pid)
        self.running[watch] = _Running(
            pid, status, started + order["deadline_s"], started, order["workdir"], order["total"]
        )
        self.poll.register(watch, selectors.EVENT_READ, ("ended", watch))
        self.poll.register(status, selectors.EVENT_READ, ("gone", watch))

    def _event(self, what: str, watch: int) -> None:
        run = self.running.get(watch)
        if run is None:
            return
        if what == "gone":
            self.poll.unregister(run.status)
            self._kill(run, "owner")
        else:
            self._finish(watch, run)

    def _kill(self, run: _Running, reason: str) -> None:
        run.killed = run.killed or reason
        for target in (-run.pid, run.pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(target, signal.SIGKILL)

    def _finish(self, watch: int, run: _Running) -> None:
        self._kill_leftovers(run.pid)
        _, status, usage = os.wait4(run.pid, 0)
        self.poll.unregister(watch)
        os.close(watch)
        del self.running[watch]
        ended = {
            "code": os.waitstatus_to_exitcode(status),
            "killed": run.killed,
            "wall_s": time.monotonic() - run.started,
            "cpu_s": usage.ru_utime + usage.ru_stime,
            "max_rss_bytes": usage.ru_maxrss * 1024,
        }
        with contextlib.suppress(OSError):
            wire.send(run.status, ended)
        with contextlib.suppress(KeyError, ValueError):
            self.poll.unregister(run.status)
        run.status.close()

    @staticmethod
    def _kill_leftovers(pid: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)

    def _watch(self) -> None:
        now = time.monotonic()
        for run in self.running.values():
            if now >= run.deadline:
                self._kill(run, "time")
            elif run.workdir and tree_bytes(run.workdir, stop_at=run.total_bytes) > run.total_bytes:
                self._kill(run, "output")


def main() -> None:
    """Entry of the warm parent."""
    control = socket.socket(fileno=int(sys.argv[1]))
    owner = os.pidfd_open(int(sys.argv[2]))
    network = leave_network()
    for name in sys.argv[3:]:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # children share the pages of what was imported
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = _Server(control, owner, network)
    control.send(json.dumps({"landlock": kernel.landlock_version()}).encode())
    try:
        server.serve()
    finally:
        for run in server.running.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(run.pid, signal.SIGKILL)
        os._exit(0)


if __name__ == "__main__":
    main()
