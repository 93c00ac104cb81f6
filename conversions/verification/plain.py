"""Rules for fonts, subtitles, data and mail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conversions.verification.terms import Check, Compared


def font(c: Compared) -> Iterator[Check]:
    """As many glyphs, the same family, outlines of the target's kind."""
    one, before = c.after[0], c.before
    glyphs = before.get("glyphs") or c.claims.get("glyphs")
    yield Check(
        name="glyphs", ok=one.get("glyphs") == glyphs, expected=glyphs, actual=one.get("glyphs")
    )
    if before.get("family"):
        same = one.get("family") == before["family"]
        yield Check(name="family", ok=same, expected=before["family"], actual=one.get("family"))
    kind = {"ttf": "truetype", "otf": "cff"}.get(c.output_format)
    if kind:
        found = one.get("outlines")
        yield Check(name="outlines", ok=found == kind, expected=kind, actual=found)
    yield from _letters(before.get("letters"), one.get("letters"))


def _letters(old: list[list[int]] | None, new: list[list[int]] | None) -> Iterator[Check]:
    """Every common letter is the same glyph as before, and as wide."""
    if not old or new is None:
        return
    found = {code: (glyph, width) for code, glyph, width in new}
    lost = [chr(code) for code, glyph, _ in old if found.get(code, (None, 0))[0] != glyph]
    yield Check(name="letters", ok=not lost, expected=len(old), actual="".join(lost[:20]) or "kept")
    wide = [
        chr(code)
        for code, _, width in old
        if code in found and None not in (width, found[code][1]) and abs(found[code][1] - width) > 2
    ]
    yield Check(
        name="widths", ok=not wide, expected="the same", actual="".join(wide[:20]) or "kept"
    )


def subtitles(c: Compared) -> Iterator[Check]:
    """Every cue, at its time."""
    one, before = c.after[0], c.before
    cues = before.get("cues") or c.claims.get("cues")
    found = one.get("cues")
    yield Check(name="cues", ok=found == cues, expected=cues, actual=found)
    shift = float(c.options.get("shift") or 0)
    for name in ("first_start_seconds", "last_end_seconds"):
        was, now = before.get(name), one.get(name)
        if was is not None and now is not None:
            ok = abs(max(0.0, was + shift) - now) <= 1.0
            yield Check(name=name, ok=ok, expected=round(was + shift, 2), actual=now)
    old, new = before.get("timed"), one.get("timed")
    if old and new and len(old) == len(new):
        late = sum(abs(max(0.0, a[0] + shift) - b[0]) > 1.0 for a, b in zip(old, new, strict=True))
        yield Check(name="times", ok=not late, expected="as before", actual=f"{late} cues off")
        moved = sum(a[1] != b[1] for a, b in zip(old, new, strict=True))
        yield Check(
            name="words_in_time",
            ok=moved <= 0.02 * len(old),
            expected="as before",
            actual=f"{moved} cues differ",
            severe=moved > 0.5 * len(old),
        )


def data(c: Compared) -> Iterator[Check]:
    """Rows and columns where both ends are tables."""
    one, before = c.after[0], c.before
    yield from _rows(c)
    columns, now = before.get("columns", c.claims.get("columns")), one.get("columns")
    if columns is not None and now is not None and len(c.after) == 1:
        yield Check(name="columns", ok=columns == now, expected=columns, actual=now)
    yield from _values(before, c.after)
    words = set(before.get("words") or ())
    if words and one.get("words") is not None:
        found = {word for output in c.after for word in output.get("words") or ()}
        share = len(words & found) / len(words)
        actual = f"{share:.0%}"
        ok = share >= 0.98
        least = 0.9 if len(words) >= 20 else 0.5  # a few words are no statistics
        yield Check(name="text_kept", ok=ok, expected="≥ 98%", actual=actual, severe=share < least)


def _rows(c: Compared) -> Iterator[Check]:
    """As many records; lines of names are counted by readers of delimited text and workbooks."""
    was = c.before.get("rows")
    known = c.claims.get("rows") if was is None else was
    if known is None or c.options.get("sheet") or any("rows" not in one for one in c.after):
        return
    most = least = int(known)
    headed = _HEADED  # what an engine claims of a workbook counts its line of names
    if was is not None:
        headed = _HEADED | _BOOKS
        if c.source_format in headed:
            sheets = int(c.before.get("sheets") or 1)
            most, least = most - 1, most - sheets  # a sheet without a cell has no names either
    lines = len(c.after) if c.output_format in headed and "sheets" not in c.before else 0
    now = c.total("rows") - lines
    expected = most if most == least else f"{least}–{most}"
    yield Check(name="rows", ok=least <= now <= most, expected=expected, actual=now)


def _values(before: Mapping[str, Any], after: list[dict[str, Any]]) -> Iterator[Check]:
    """Every value is there again, whatever its place."""
    was = set(before.get("values") or ())
    if not was or any("values" not in one for one in after):
        return
    lost = len(was - {value for one in after for value in one["values"]})
    yield Check(
        name="values_kept",
        ok=not lost,
        expected=f"{len(was)} distinct values",
        actual=f"{lost} lost" if lost else "all",
        severe=lost > 0.02 * len(was),
    )


_HEADED = {"csv", "tsv", "psv"}
_BOOKS = {"xlsx", "xlsm", "xltx", "xls", "xlt"}


def message(c: Compared) -> Iterator[Check]:
    """The subject is there, and in EML every attachment."""
    one, before = c.after[0], c.before
    subject = before.get("subject")
    if subject and c.output_format == "eml":
        found = one.get("subject")
        yield Check(name="subject", ok=found == subject, expected=subject, actual=found)
        wanted, found = before.get("attachments"), one.get("attachments")
        yield Check(name="attachments", ok=found == wanted, expected=wanted, actual=found)
