"""The rule for drawings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conversions.verification.looks import same_colours_and_fields, seen_on_white
from conversions.verification.terms import Check, Compared
from inspection.facts_metafiles import CODES as METAFILES

_MOST_SCALE = 6.5  # 600 dots an inch
_POINTS = 72 / 96  # of a pixel


def drawing(c: Compared) -> Iterator[Check]:
    """A drawing made into a picture, PDF or PostScript: its size, and that something is on it."""
    one, before = c.after[0], c.before
    if c.output_format in ("ps", "eps", "pdf"):
        pages = c.total("pages")
        yield Check(name="pages", ok=pages == 1, expected=1, actual=pages)
        yield from _page_size(c)
    elif before.get("width") and c.output_format not in ("ico", "icns"):
        wide, high = _drawn_size(before["width"], before["height"], c.options)
        scale = _scale(c, one.get("width", 0) / wide)
        wide, high = round(wide * scale), round(high * scale)
        room = 2 * scale
        close = abs(one.get("width", 0) - wide) <= room >= abs(one.get("height", 0) - high)
        actual = f"{one.get('width')}×{one.get('height')}"
        yield Check(name="dimensions", ok=close, expected=f"{wide}×{high}", actual=actual)
    if not before.get("shapes"):
        return
    marks = one.get("marks", one.get("shapes"))
    if c.output_format == "pdf":
        filled = not c.total("blank_pages")
    else:
        filled = bool(marks) if marks is not None else float(one.get("contrast") or 0) > 0.5
        if c.source_format in METAFILES and "drawn" in one:  # an empty frame is a shape as well
            filled = filled and float(one["drawn"].get("contrast") or 0) > 0.05
    # Shapes may all be white or off the page, so a blank drawing is seldom but can be right.
    drawn = before.get("drawn", {})
    if drawn.get("contrast", 1) < 0.5:  # white on clear, as signs for dark pages are
        return
    unseen = one.get("alpha_ignored") and "clear" in drawn
    name, shapes = "not_blank", before["shapes"]
    yield Check(name=name, ok=filled, expected=shapes, actual=filled, severe=not unseen)


def same_drawing(c: Compared) -> Iterator[Check]:
    """What resvg draws of it lies where it lies in the result, in the same colours."""
    old, own_ground = c.before.get("drawn"), c.options.get("background")
    yield from seen_on_white(old or {}, c)
    looks = [one for one in c.after if "grid" in one] or c.after[0].get("page_looks") or []
    if old and looks and not own_ground:
        yield from same_colours_and_fields(old, looks[0], c.output_format)


def _page_size(c: Compared) -> Iterator[Check]:
    """A metafile fills its page, where both sizes are told."""
    wide, high = c.after[0].get("width_pt"), c.after[0].get("height_pt")
    if c.source_format not in METAFILES or not c.before.get("width") or not wide or not high:
        return
    asked = c.before["width"] * _POINTS, c.before["height"] * _POINTS
    close = abs(wide - asked[0]) <= 2 >= abs(high - asked[1])
    expected, actual = f"{asked[0]:.0f}×{asked[1]:.0f} pt", f"{wide:.0f}×{high:.0f} pt"
    yield Check(name="page_size", ok=close, expected=expected, actual=actual)


def _scale(c: Compared, found: float) -> float:
    """How much larger a metafile may come out: inches, not pixels, and some ways are by pages."""
    free = (
        c.source_format in METAFILES and not c.options.get("width") and not c.options.get("height")
    )
    return found if free and 1.0 <= found <= _MOST_SCALE else 1.0


def _drawn_size(width: int, height: int, options: Mapping[str, Any]) -> tuple[int, int]:
    wide, high = options.get("width"), options.get("height")
    scales = [side / own for side, own in ((wide, width), (high, height)) if side]
    scale = min(scales) if scales else 1.0
    return round(width * scale), round(height * scale)
