"""Does the sandbox hold on this machine, now? Tries to break out by both ways in."""

from __future__ import annotations

import dataclasses
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox import bwrap, pool, runner
from sandbox.outcomes import SandboxError
from sandbox.profiles import PROFILES, SandboxProfile

MIB = 1 << 20
_WALL_S = 30.0  # workers that start together on a busy machine are slow, not leaky


@dataclass(frozen=True, kw_only=True)
class SelfTest:
    """``ok`` only if nothing leaked and the level is full; shown by /health/engines/."""

    ok: bool
    level: str
    leaks: tuple[str, ...]
    details: dict[str, Any] = field(default_factory=dict)


def attempts(payload: dict[str, Any], report: Callable[[float, str], None]) -> dict[str, bool]:
    """Inside: which forbidden things work. Each is True when it leaks."""
    report(0.0, "trying")
    tries: dict[str, Callable[[], object]] = {
        "network": lambda: socket.create_connection(("127.0.0.1", payload["port"]), 0.3).close(),
        "foreign_file": lambda: Path(payload["secret"]).read_text(),
        "accounts": lambda: Path("/etc/passwd").read_text(),
        "write_outside": lambda: Path(payload["outside"]).write_text("leak"),
        "file_size": lambda: _large_file(Path(payload["workdir"]), payload["file_bytes"]),
        "memory": lambda: len(bytearray(payload["memory_bytes"])),
        "processes": lambda: _many_processes(payload["processes"]),
    }
    return {name: _works(attempt) for name, attempt in tries.items()}


def _works(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (OSError, MemoryError):
        return False
    return True


def _large_file(folder: Path, size: int) -> None:
    import signal  # noqa: PLC0415 (inside only)

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with (folder / "large").open("wb") as file:
        file.truncate(size)


def _many_processes(most: int) -> None:
    """Fork until it is refused; children wait for the pipe's end, so that they count."""
    reader, writer = os.pipe()
    children = []
    try:
        for _ in range(most + 64):
            child = os.fork()
            if child == 0:
                os.close(writer)
                os.read(reader, 1)
                os._exit(0)
            children.append(child)
    finally:
        os.close(reader)
        os.close(writer)
        for child in children:
            os.waitpid(child, 0)


def main() -> None:
    """Inside bubblewrap: the payload comes as an argument, the answer goes to stdout."""
    import json  # noqa: PLC0415

    found = attempts(json.loads(sys.argv[1]), lambda fraction, stage: None)
    sys.stdout.write(json.dumps(found) + "\n")


def _in_bubblewrap(
    payload: dict[str, Any], profile: SandboxProfile, folder: Path
) -> dict[str, bool]:
    import json  # noqa: PLC0415

    lines: list[str] = []
    source_root = str(Path(__file__).parent.parent)
    path = f"import sys; sys.path.insert(0, {source_root!r})"
    code = f"{path}; from sandbox.selftest import main; main()"
    ended = runner.run(
        [sys.executable, "-I", "-c", code, json.dumps(payload)],
        profile=profile,
        workdir=folder,
        deadline_s=profile.wall_s,
        on_stdout_line=lines.append,
        python=True,
    )
    if not lines:
        raise SandboxError(f"no answer: {ended.killed or ended.stderr_tail[-300:]}")
    found: dict[str, bool] = json.loads(lines[-1])
    return found


def _in_fork(payload: dict[str, Any], profile: SandboxProfile, folder: Path) -> dict[str, bool]:
    server = pool.ForkServer(("sandbox.selftest",))
    try:
        returned = server.call(
            "sandbox.selftest:attempts", payload, profile=profile, workdir=folder
        )
    finally:
        server.close()
    found: dict[str, bool] = returned.value
    return found


def check(profile: SandboxProfile = PROFILES["probe"], *, shown: tuple[str, ...] = ()) -> SelfTest:
    """Try both mechanisms; under a second, on a busy machine up to half a minute.

    ``shown`` is for tests: a file that leaks on purpose.
    """
    profile = dataclasses.replace(profile, wall_s=_WALL_S)
    ways = {"bubblewrap": _in_bubblewrap, "fork_server": _in_fork}
    leaks: list[str] = []
    details: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as home, socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_swallow, args=(listener,), daemon=True).start()
        base = Path(home)
        base.chmod(0o777)
        (base / "secret").write_text("secret")
        for name, way in ways.items():
            folder = base / name
            folder.mkdir()
            payload = {
                "port": listener.getsockname()[1],
                "secret": next(iter(shown), str(base / "secret")),
                "outside": str(base / f"outside-{name}"),
                "workdir": str(folder),
                "file_bytes": PROFILES["probe"].output_bytes + 1,
                "memory_bytes": PROFILES["probe"].memory_bytes + 64 * MIB,
                "processes": PROFILES["probe"].processes,
            }
            try:
                details[name] = way(payload, profile, folder)
            except (SandboxError, OSError) as error:
                details[name] = str(error)
                leaks.append(f"{name}: does not run")
                continue
            # A write to the sandbox's own /tmp is no leak: what counts is what arrives out here.
            details[name]["write_outside"] = (base / f"outside-{name}").exists()
            leaks += [f"{name}: {what}" for what, leaky in details[name].items() if leaky]
    level = bwrap.level()
    return SelfTest(
        ok=not leaks and level == "full", level=level, leaks=tuple(leaks), details=details
    )


def _swallow(listener: socket.socket) -> None:
    try:
        while True:
            listener.accept()[0].close()
    except OSError:
        return


if __name__ == "__main__":
    main()
