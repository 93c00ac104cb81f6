"""Child processes of one supervisor: each in its own session, recognised after a crash."""

import ctypes
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Identity:
    """A process that cannot be mistaken: pids are used again, pids with a start time are not."""

    name: str
    pid: int
    started: int


@dataclass(frozen=True, slots=True)
class Stat:
    """Fields of /proc/<pid>/stat that supervision needs; `started` in clock ticks after boot."""

    state: str
    parent: int
    session: int
    started: int


def read_stat(pid: int) -> Stat | None:
    """None when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name in parentheses may hold blanks and parentheses: count after the last one.
    fields = text.rpartition(")")[2].split()
    return Stat(fields[0], int(fields[1]), int(fields[3]), int(fields[19]))


def pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def is_alive(identity: Identity) -> bool:
    stat = read_stat(identity.pid)
    return stat is not None and stat.started == identity.started and stat.state != "Z"


def identify(name: str, pid: int) -> Identity | None:
    stat = read_stat(pid)
    return Identity(name, pid, stat.started) if stat else None


def session_members(session: int) -> list[int]:
    """Living processes of a session, the leader included."""
    found = []
    for pid in pids():
        stat = read_stat(pid)
        if stat and stat.session == session and stat.state != "Z":
            found.append(pid)
    return found


def send(pid: int, signum: int) -> bool:
    """False when the process is gone already."""
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        return False
    return True


def kill_session(session: int) -> None:
    """SIGKILL to what a child left in its session; in rounds, since a member may fork meanwhile."""
    for _ in range(20):
        members = session_members(session)
        if not members:
            return
        for pid in members:
            send(pid, signal.SIGKILL)
        time.sleep(0.01)


def cwd_under(pid: int, roots: Iterable[Path]) -> bool:
    try:
        cwd = Path(os.readlink(f"/proc/{pid}/cwd"))  # noqa: PTH115 - a deleted folder must not raise
    except OSError:
        return False
    return any(cwd == root or root in cwd.parents for root in roots)


def _die_with(parent: int, signum: int) -> Callable[[], None]:
    """Runs in the child before exec. The kernel ties it to the THREAD that forks: the main one."""

    def prepare() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, signum, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    death_signal: int = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Starts a program in its own session; its output is appended to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            list(argv),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with(os.getpid(), death_signal),  # noqa: PLW1509 - no threads here
        )


def write_record(path: Path, identities: Iterable[Identity]) -> None:
    """What runs, for whoever must clean up after a SIGKILL of the supervisor."""
    rows = [[i.name, i.pid, i.started] for i in identities]
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(rows))
    temporary.replace(path)


def read_record(path: Path) -> list[Identity]:
    try:
        return [Identity(str(n), int(p), int(s)) for n, p, s in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError):
        return []


def end_recorded(path: Path, roots: Sequence[Path], *, grace_s: float = 5.0) -> list[str]:
    """Ends what a dead supervisor left, and only that; returns the names it found alive.

    Recognised by pid, start time and working folder. They were told to stop by the kernel when the
    supervisor died, so this waits first and kills what is left of their sessions afterwards.
    """
    recorded = read_record(path)
    left = [i for i in recorded if is_alive(i) and cwd_under(i.pid, roots)]
    for identity in left:
        send(identity.pid, signal.SIGINT if identity.name == "postgres" else signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while any(map(is_alive, left)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for identity in recorded:
        stat = read_stat(identity.pid)
        if stat and stat.started != identity.started:
            continue
        if any(cwd_under(pid, roots) for pid in session_members(identity.pid)):
            kill_session(identity.pid)
    path.unlink(missing_ok=True)
    return [identity.name for identity in left]
