"""One program, run to its end in the sandbox, with its failures as engine errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from conversions.engines.programs import limit
from conversions.engines.spec import EngineCall, EngineCrashed, InputRejected
from sandbox.profiles import SandboxProfile

_FATAL_SIGNALS = {134, 135, 136, 139}  # abort, bus, arithmetic, segmentation: 128 + signal


def run_program(
    call: EngineCall,
    argv: list[str],
    *,
    profile: str | SandboxProfile,
    name: str,
    on_line: Callable[[str], None] | None = None,
    accept: tuple[int, ...] = (0,),
) -> str:
    """Run ``argv`` in the call's folder; returns the tail of its standard error.

    Raises LimitExceeded at a limit, EngineCrashed when it died of a signal, and InputRejected
    when it says no: a program that can't read its input is the usual reason.
    """
    from sandbox import runner  # noqa: PLC0415 (engines in the child never start programs)

    ended = runner.run(
        argv,
        profile=profile,
        workdir=call.workdir,
        deadline_s=call.deadline_s,
        on_stdout_line=on_line,
    )
    if ended.killed:
        raise limit(ended.killed, ended.stderr_tail[-800:])
    if ended.returncode < 0 or ended.returncode in _FATAL_SIGNALS:
        raise EngineCrashed(f"{name} ended without a result.", detail=ended.stderr_tail[-800:])
    if ended.returncode not in accept:
        text = f"{name} can't read this file as {call.input_format.upper()}."
        raise InputRejected(text, detail=(ended.stderr_tail or ended.stdout_tail)[-800:])
    return ended.stderr_tail


def has_bytes(path: Path) -> bool:
    """Whether a plain file with something in it was written."""
    return path.is_file() and not path.is_symlink() and path.stat().st_size > 0


def debian_version(package: str) -> str | None:
    """Upstream version of an installed Debian package, from dpkg's list."""
    status = Path("/var/lib/dpkg/status")
    text = status.read_text(errors="replace") if status.exists() else ""
    entry = re.search(rf"^Package: {re.escape(package)}\n(?:.+\n)*", text, re.M)
    if not entry or "\nStatus: install ok installed" not in entry.group(0):
        return None
    found = re.search(r"^Version: (?:\d+:)?([\d.]+)", entry.group(0), re.M)
    return found.group(1).rstrip(".") if found else "unknown"
