"""The words of verification: what a check is, and what the rules see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Check:
    """One comparison. A check that is not severe only warns."""

    name: str
    ok: bool
    expected: Any = None
    actual: Any = None
    note: str = ""
    severe: bool = True


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What the rules see."""

    before: Mapping[str, Any]
    after: list[dict[str, Any]]
    source_format: str
    output_format: str
    options: Mapping[str, Any]
    claims: Mapping[str, Any]

    def total(self, name: str) -> int:
        """A number summed over all outputs."""
        return sum(int(one.get(name) or 0) for one in self.after)


Rule = Callable[[Compared], Iterator[Check]]
