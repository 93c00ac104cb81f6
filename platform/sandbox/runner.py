"""Run one untrusted program to its end, within its profile."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess  # noqa: TID251 (the sandbox is where programs are started)
import time
from collections.abc import Callable
from pathlib import Path

from sandbox import bwrap, stopping
from sandbox.bwrap import level
from sandbox.folders import fresh_user, give, tree_bytes
from sandbox.outcomes import Crashed, Finished, Killed
from sandbox.profiles import PROFILES, SandboxProfile

__all__ = ["level", "run"]

_TAIL = 16_384
_TICK_S = 0.1
_KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)  # bubblewrap passes signals on as 128 + n
_NO_MEMORY = ("cannot allocate memory", "bad_alloc", "memoryerror", "out of memory")
LineSink = Callable[[str], None]


class _Pipes:
    """Both outputs of a program: tails kept, whole lines of stdout handed on."""

    def __init__(self, process: subprocess.Popen[bytes], sink: LineSink | None) -> None:
        self.tails = {"stdout": b"", "stderr": b""}
        self.sink, self.partial = sink, b""
        self.poll = selectors.DefaultSelector()
        for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
            assert stream is not None  # noqa: S101
            os.set_blocking(stream.fileno(), False)
            self.poll.register(stream, selectors.EVENT_READ, name)

    def pump(self, timeout: float) -> bool:
        """Read what is there; waits at most ``timeout``. Tells whether anything came."""
        if not self.poll.get_map():
            time.sleep(min(timeout, 0.005))  # both closed: the end itself is moments away
            return False
        events = self.poll.select(timeout)
        for key, _ in events:
            piece = os.read(key.fd, 65_536)
            if not piece:
                self.poll.unregister(key.fileobj)
                continue
            self.tails[key.data] = (self.tails[key.data] + piece)[-_TAIL:]
            if key.data == "stdout" and self.sink:
                self._lines(piece)
        return bool(events)

    def drain(self) -> None:
        """What is left in the pipes after the end."""
        while self.pump(0):
            pass

    def _lines(self, piece: bytes) -> None:
        *lines, self.partial = (self.partial + piece).split(b"\n")
        self.partial = self.partial[-_TAIL:]
        for line in lines:
            assert self.sink is not None  # noqa: S101
            self.sink(line.decode("utf-8", "replace"))

    def tail(self, name: str) -> str:
        return self.tails[name].decode("utf-8", "replace")


def run(
    argv: list[str],
    *,
    profile: str | SandboxProfile,
    workdir: Path,
    deadline_s: float | None = None,
    on_stdout_line: LineSink | None = None,
    stdin: bytes | None = None,
    python: bool = False,
) -> Finished:
    """Run ``argv`` with ``workdir`` as its only writable folder and without any network.

    Never raises for what the program does. Crashed: somebody else killed it. An exception of
    ``on_stdout_line`` ends the program, as does the caller's wish (Stopped).
    """
    stopping.go_on()
    limits = PROFILES[profile] if isinstance(profile, str) else profile
    user = fresh_user()
    give(str(workdir), user)
    started = time.monotonic()
    deadline = started + min(deadline_s or limits.wall_s, limits.wall_s)
    process = subprocess.Popen(  # noqa: S603
        bwrap.command(argv, limits, workdir, python=python, user=user),
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
    )
    pipes = _Pipes(process, on_stdout_line)
    try:
        _feed(process, stdin)
        killed, usage, code = _follow(process, pipes, deadline, workdir, limits)
    finally:
        _end(process, pipes)
    text = pipes.tail("stderr")
    if killed is None and code in _KILLED:
        raise Crashed("the program was killed from outside", signal=signal.SIGKILL)
    return Finished(
        returncode=code,
        stdout_tail=pipes.tail("stdout"),
        stderr_tail=text,
        wall_s=time.monotonic() - started,
        cpu_s=usage[0],
        max_rss_bytes=usage[1],
        killed=killed or _reason(code, text),
    )


def _feed(process: subprocess.Popen[bytes], stdin: bytes | None) -> None:
    if stdin is not None and process.stdin:
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(stdin)


def _follow(
    process: subprocess.Popen[bytes],
    pipes: _Pipes,
    deadline: float,
    workdir: Path,
    limits: SandboxProfile,
) -> tuple[Killed | None, tuple[float, int], int]:
    killed: Killed | None = None
    while True:
        pipes.pump(_TICK_S)
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            pipes.drain()
            cost = (usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
            return killed, cost, process.returncode
        stopping.go_on()
        if time.monotonic() >= deadline:
            killed = killed or "time"
        elif tree_bytes(str(workdir), stop_at=limits.total_bytes) > limits.total_bytes:
            killed = killed or "output"
        if killed:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes], pipes: _Pipes) -> None:
    if process.returncode is None:
        _kill(process)
        process.wait()
    pipes.poll.close()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream and not stream.closed:
            stream.close()


def _reason(code: int, stderr: str) -> Killed | None:
    """What an exit code and the last words tell; bubblewrap passes signals on as 128 + n."""
    number = -code if code < 0 else code - 128
    if number == signal.SIGXCPU:
        return "cpu"
    if number == signal.SIGXFSZ:
        return "output"
    words = stderr[-4000:].lower()
    return "memory" if code and any(text in words for text in _NO_MEMORY) else None
