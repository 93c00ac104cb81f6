"""Page ranges such as ``1-3,5``: one spelling for every engine."""

from __future__ import annotations

from conversions.engines.spec import InputRejected

PATTERN = r"^\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*$"


def pages_of(text: str | None, count: int) -> list[int]:
    """Zero-based page numbers, in order and once each; everything when there is no range."""
    if not text:
        return list(range(count))
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        low, high = int(first), int(last or first)
        found.update(range(max(low, 1) - 1, min(high, count)))
    if not found:
        words = f"The page range {text} is outside of the document, which has {count} pages."
        raise InputRejected(words, code="engine_failed")
    return sorted(found)
