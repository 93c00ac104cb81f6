"""What the rules for results of tools see, and rules that several families share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from conversions.verification.terms import Check


class Done(Protocol):
    """The operation, as the rules need it."""

    @property
    def options(self) -> Mapping[str, Any]: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def output_format(self) -> str: ...
    @property
    def source_formats(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the rules see."""

    before: list[dict[str, Any]]
    after: list[dict[str, Any]]
    operation: Done
    claims: Mapping[str, Any]
    names: tuple[str, ...]

    @property
    def options(self) -> Mapping[str, Any]:
        """Of the operation."""
        return self.operation.options


Rule = Callable[[Seen], Iterator[Check]]


def apart(first: list[int], second: list[int]) -> float:
    """Mean difference of two looks, 0–255."""
    return sum(abs(a - b) for a, b in zip(first, second, strict=True)) / max(1, len(first))


def same_count(name: str, expected: int, actual: int) -> Check:
    """As many as expected."""
    return Check(name=name, ok=expected == actual, expected=expected, actual=actual)


def no_larger(seen: Seen) -> Iterator[Check]:
    """A compressed file is never larger than its source."""
    before, after = seen.before[0]["bytes"], seen.after[0]["bytes"]
    saved = f"{1 - after / before:.0%} saved" if before else ""
    yield Check(
        name="not_larger",
        ok=after <= before,
        expected=f"≤ {before}",
        actual=after,
        note=saved,
        # Without its scripts a PDF of a few hundred bytes may grow; they don't come back for that.
        severe=not seen.claims.get("disarmed"),
    )
    told = seen.claims.get("kept_original")
    if told:
        same = before == after
        yield Check(name="original_returned", ok=same, expected=before, actual=after)


def cleaned(seen: Seen) -> Iterator[Check]:
    """Nothing is noted beside the content any more."""
    left = [*(seen.after[0].get("metadata") or ()), *(seen.after[0].get("private") or ())]
    yield Check(name="no_metadata", ok=not left, expected=[], actual=left)
