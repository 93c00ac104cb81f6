"""The rule for mailboxes: every message, with its words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from conversions.verification.terms import Check, Compared
from inspection.formats import BY_CODE


def mails(c: Compared) -> Iterator[Check]:
    """As many as another reader finds, the same bytes as files, the same subjects in a list."""
    wanted = c.before.get("mails")
    if not wanted:
        return
    kind = BY_CODE[c.output_format].family
    if kind == "archive" or c.output_format in ("csv", "json"):
        found = c.total("entries") if kind == "archive" else c.total("rows")
        found -= c.output_format == "csv"  # its first row names the columns
        yield Check(name="messages", ok=found == wanted, expected=wanted, actual=found)
    if kind == "archive":
        held = Counter(one[2] for item in c.after for one in item.get("files") or ())
        lost = sum((Counter(c.before["digests"]) - held).values())
        yield Check(
            name="contents",
            ok=not lost,
            expected="the same messages",
            actual=f"{lost} differ",
        )
    elif kind in ("spreadsheet", "data") and any("words" in one for one in c.after):
        asked = set(c.before.get("subject_words") or ())
        kept = {word for one in c.after for word in one.get("words") or ()}
        share = len(asked & kept) / len(asked) if asked else 1.0
        yield Check(
            name="subjects",
            ok=share >= 0.98,
            expected="≥ 98 %",
            actual=f"{share:.0%}",
            severe=share < 0.9,
        )
