"""The rule for values: each stands in the column where it stood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from conversions.verification.terms import Check, Compared


def same_values(c: Compared) -> Iterator[Check]:
    """Values by the names of their columns, or by their numbers where only those are known."""
    if c.options.get("sheet"):
        return
    for name in ("named", "placed"):
        old = Counter(c.before.get(name) or ())
        new = Counter(mark for one in c.after for mark in one.get(name) or ())
        if name == "placed":
            new.update(mark for one in c.after for mark in one.get("formatted") or ())
        if not old or not new:
            continue
        share = (old & new).total() / old.total()
        yield Check(
            name="values",
            ok=share >= 0.98,
            expected="≥ 98 % in their columns",
            actual=f"{share:.0%}",
            severe=share < 0.9,
        )
        return
