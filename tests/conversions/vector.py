"""One row of the table that every engine runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Vector:
    """One conversion and what must come of it."""

    file: str
    engine: str
    source: str
    target: str
    options: dict[str, Any] = field(default_factory=dict)
    password: str | None = None
    holds: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)  # of the first output, exactly
    outputs: int = 1
    fails: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ("verified",)

    def __str__(self) -> str:
        extra = "-".join(f"{k}={v}" for k, v in self.options.items())
        return f"{self.file}->{self.target}{'?' if extra else ''}{extra}"
