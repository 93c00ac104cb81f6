"""One program, run to its end in the sandbox, with its failures as engine errors."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from conversions.engines.spec import EngineCall, EngineCrashed, InputRejected, LimitExceeded
from sandbox.profiles import SandboxProfile

_STATUS = Path("/var/lib/dpkg/status")
_FATAL_SIGNALS = {134, 135, 136, 139}  # abort, bus, arithmetic, segmentation: 128 + signal
# The machine had no thread left for it; the file is not to blame.
_CROWDED = ("Resource temporarily unavailable", "Failed to spawn thread")
_BASE_CPU_S, _BASE_WALL_S, _BYTES_FOR_A_SECOND = 12, 25, 12_500
_LIMITS = {
    "time": ("timed_out", "The conversion took longer than the time limit."),
    "cpu": ("timed_out", "The conversion used more processor time than allowed."),
    "memory": ("memory_exceeded", "The conversion needs more memory than allowed."),
    "output": ("output_too_large", "The result would be larger than allowed."),
}


def limit(which: str, detail: str = "") -> LimitExceeded:
    """The error for a limit of the sandbox."""
    code, text = _LIMITS[which]
    return LimitExceeded(text, code=code, detail=detail)


def cpu_for(source: Path) -> int:
    """Processor seconds that a text or office document may take: a small one has no right to more.

    Unlike a deadline this is as fair on a busy machine.
    """
    return _BASE_CPU_S + source.stat().st_size // _BYTES_FOR_A_SECOND


def patience_for(source: Path) -> int:
    """The same on the clock, with room for a machine that is busy with others."""
    return _BASE_WALL_S + source.stat().st_size // _BYTES_FOR_A_SECOND


def died(returncode: int) -> bool:
    """Whether a program was ended by a signal rather than by itself."""
    return returncode < 0 or returncode in _FATAL_SIGNALS


def run_program(
    call: EngineCall,
    argv: list[str],
    *,
    profile: str | SandboxProfile,
    name: str,
    on_line: Callable[[str], None] | None = None,
    accept: tuple[int, ...] = (0,),
    writes: Path | None = None,
) -> str:
    """Run ``argv`` in the call's folder and time; returns the tail of its standard error.

    Raises LimitExceeded at a limit, EngineCrashed when it died of a signal or left no ``writes``,
    and InputRejected when it says no: a program that can't read its input is the usual reason.
    """
    from sandbox import runner  # noqa: PLC0415 (engines in the child never start programs)

    ended = runner.run(
        argv,
        profile=profile,
        workdir=call.workdir,
        deadline_s=call.left_s,
        on_stdout_line=on_line,
    )
    words = ended.stderr_tail[-800:]
    if ended.killed:
        raise limit(ended.killed, words)
    crowded = ended.returncode not in accept and any(sign in words for sign in _CROWDED)
    if crowded or died(ended.returncode):
        raise EngineCrashed(f"{name} ended without a result.", detail=words)
    if ended.returncode not in accept:
        text = f"{name} can't read this file as {call.input_format.upper()}."
        raise InputRejected(text, detail=words or ended.stdout_tail[-800:])
    if writes and not has_bytes(writes):
        raise nothing_written(name, words)
    return ended.stderr_tail


def nothing_written(name: str, words: str = "") -> EngineCrashed:
    """The error for a program that ended well and left no file."""
    return EngineCrashed(f"{name} wrote no file.", detail=words[-800:])


def has_bytes(path: Path) -> bool:
    """Whether a plain file with something in it was written."""
    return path.is_file() and not path.is_symlink() and path.stat().st_size > 0


def debian_version(package: str, *programs: str) -> str | None:
    """Upstream version of an installed Debian package whose ``programs`` are all here.

    Read from dpkg's list: starting a program only to ask it takes 40 ms and more.
    """
    if not all(map(shutil.which, programs)):
        return None
    text = _STATUS.read_text(errors="replace") if _STATUS.exists() else ""
    entry = re.search(rf"^Package: {re.escape(package)}\n(?:.+\n)*", text, re.M)
    if not entry or "\nStatus: install ok installed" not in entry.group(0):
        return None
    found = re.search(r"^Version: (?:\d+:)?([\d.]+)", entry.group(0), re.M)
    return found.group(1).rstrip(".") if found else "unknown"
