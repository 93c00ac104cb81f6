"""The rule for camera raw: the developed picture is the one that the camera's preview shows."""

from __future__ import annotations

from collections.abc import Iterator

from conversions.verification.looks import same_colours_and_fields
from conversions.verification.terms import Check, Compared

_BLANK = 0.5  # contrast below which nothing is to be seen


def developed(c: Compared) -> Iterator[Check]:
    """Not blank, turned as the preview, with its fields and colours; a word where there is none."""
    old, new = dict(c.before), c.after[0]
    was, now = old.get("contrast"), float(new.get("contrast") or 0)
    blank = now < _BLANK and (was is None or was > 3)
    yield Check(
        name="not_blank", ok=not blank, expected="a picture", actual=round(now, 1), severe=True
    )
    if "grid" not in old or "grid" not in new:
        note = "the file has no preview that the result could be held against"
        yield Check(name="same_picture", ok=False, note=note, severe=False)
        return
    if c.output_format == "icns" and old["width"] != old["height"]:
        return  # it has margins now
    if c.options.get("white_balance", "camera") != "camera":
        old.pop("colours", None)
    yield from same_colours_and_fields(old, new, c.output_format)
