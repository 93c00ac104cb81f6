"""What engines that are programs share: starting one in the sandbox, naming how it ended."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from conversions.engines.spec import (
    EngineCall,
    EngineCrashed,
    InputRejected,
    LimitExceeded,
    OptionUnsupported,
)

_STATUS = Path("/var/lib/dpkg/status")
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


def debian_version(package: str, *programs: str) -> str | None:
    """Version of an installed program, as dpkg notes it; None when it is not here.

    Starting a program only to ask it takes 40 ms and more.
    """
    if not all(shutil.which(program) for program in programs):
        return None
    text = _STATUS.read_text(errors="replace") if _STATUS.exists() else ""
    pattern = rf"^Package: {re.escape(package)}\n(?:.+\n)*?Version: (?:\d+:)?([\d.]+)"
    found = re.search(pattern, text, re.M)
    return found.group(1).rstrip(".") if found else "unknown"


def run_program(name: str, argv: list[str], call: EngineCall, profile: str) -> str:
    """Run it on the call's folder to its end; its last words on stderr. Raises EngineError."""
    from sandbox import runner  # noqa: PLC0415 (engines in the child never start programs)

    ended = runner.run(argv, profile=profile, workdir=call.workdir, deadline_s=call.deadline_s)
    if ended.killed:
        raise limit(ended.killed)
    words = ended.stderr_tail[-800:]
    if ended.returncode in (134, 139) or ended.returncode < 0:
        raise EngineCrashed(f"{name} ended without a result.", detail=words)
    if ended.returncode != 0:
        raise InputRejected(f"{name} can't read the file: it is damaged.", detail=words)
    if not call.target.exists() or not call.target.stat().st_size:
        raise OptionUnsupported(f"{name} wrote no result.", detail=words)
    return words
