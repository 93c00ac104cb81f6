"""The rule for the order of words: paragraphs that changed places keep all their words."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from conversions.verification.terms import Check, Compared
from inspection.formats import BY_CODE
from inspection.text import is_from_right

_LEAST = 40  # common words below which an order says little
# Share in order that is right, and below which the result is wrong. Right results of text had 90 %
# and more; slides and pages are read in another order by each program.
_TEXT, _PLACED = (0.85, 0.6), (0.7, 0.3)
# Readers of PDF give the words of a line from the left, whichever way it is read.
_FROM_RIGHT = (0.5, 0.2)


def in_order(c: Compared) -> Iterator[Check]:
    """Words first appear in the order in which they did."""
    if c.output_format == "native":  # its reader here takes the code out of the text
        return
    if c.options.get("page_range") or c.options.get("sheet") or c.options.get("user_password"):
        return
    new = {word: place for place, word in enumerate(_words(c))}
    places = [new[word] for word in c.before.get("words") or () if word in new]
    if len(places) < _LEAST:
        return
    share = longest_rise(places) / len(places)
    placed = c.source_format == "pdf" or BY_CODE[c.source_format].family == "presentation"
    right, wrong = _PLACED if placed else _TEXT
    if "pdf" in (c.source_format, c.output_format) and is_from_right("".join(new)):
        right, wrong = _FROM_RIGHT
    yield Check(
        name="order",
        ok=share >= right,
        expected=f"≥ {right:.0%} of the words in order",
        actual=f"{share:.0%}",
        severe=share < wrong,
    )


def _words(c: Compared) -> list[str]:
    return list(dict.fromkeys(word for one in c.after for word in one.get("words") or ()))


def longest_rise(places: list[int]) -> int:
    """How many of the numbers can stay so that they rise (Fredman 1975)."""
    ends: list[int] = []
    for place in places:
        at = bisect_left(ends, place)
        ends[at : at + 1] = [place]
    return len(ends)
