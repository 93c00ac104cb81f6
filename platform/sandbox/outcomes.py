"""How sandboxed work ends."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Any, Literal

Killed = Literal["time", "memory", "output", "cpu"]


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A program's end. ``killed`` names the limit that it met, whatever its exit code says."""

    returncode: int
    stdout_tail: str
    stderr_tail: str
    wall_s: float
    cpu_s: float
    max_rss_bytes: int
    killed: Killed | None


@dataclass(frozen=True, kw_only=True)
class Returned:
    """A function's value and what it cost."""

    value: Any
    wall_s: float
    cpu_s: float
    max_rss_bytes: int
    layers: tuple[str, ...]


class SandboxError(Exception):
    """Base of what can go wrong in or with the sandbox."""


class SandboxUnavailable(SandboxError):
    """The sandbox can't be built here; nothing was run."""


class LimitHit(SandboxError):
    """The work met a limit: ``which`` is time, memory, output or cpu."""

    def __init__(self, which: Killed, detail: str = "") -> None:
        super().__init__(f"limit hit: {which} {detail}".strip())
        self.which = which


class Crashed(SandboxError):
    """The work died without an answer (signal, exit, or the warm parent died with it)."""

    def __init__(self, detail: str, *, signal: int | None = None) -> None:
        super().__init__(detail)
        self.signal = signal


class Raised(SandboxError):
    """The function raised; ``kind`` is the exception's qualified name."""

    def __init__(self, kind: str, text: str, trace: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind, self.text, self.trace = kind, text, trace


def is_killed(error: SandboxError) -> bool:
    """Whether the work was ended from outside, or never began: its file has no part in that."""
    if isinstance(error, Crashed):
        return error.signal == signal.SIGKILL
    return isinstance(error, SandboxUnavailable)
