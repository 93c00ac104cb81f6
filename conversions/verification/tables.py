"""Rules for spreadsheets and presentations: sheets, rows, slides."""

from __future__ import annotations

from collections.abc import Iterator

from conversions.verification.terms import Check, Compared

ONE_SHEET = {"dif", "slk"}  # they hold no more
_ONE_FILE_EACH = {"csv", "tsv", "psv"}
_PLAIN = {"csv", "tsv", "psv", "json", "txt"}  # sources without formulas
_COUNTED = {"csv", "tsv", "psv", "json", "xlsx", "xlsm", "xltx", "xls", "xlt"}


def _sheets(c: Compared, sheets: int) -> Iterator[Check]:
    if c.output_format in ONE_SHEET:
        known = c.source_format in ONE_SHEET or sheets == 1
        yield Check(name="sheets", ok=known, expected=sheets, actual=1, severe=False)
        return
    if c.output_format in _ONE_FILE_EACH:
        found = len(c.after)
    else:
        found = c.total("sheets")
        if not found:
            return
    # LibreOffice keeps a chart's own sheet as a sheet with a chart; others leave it out.
    charts = int(c.before.get("chart_sheets") or 0)
    ok = found in (sheets, sheets + charts)
    yield Check(name="sheets", ok=ok, expected=sheets, actual=found)


def tables(c: Compared) -> Iterator[Check]:
    """Every sheet and every row; text never becomes a formula."""
    if c.options.get("sheet"):
        return
    sheets = c.before.get("sheets")
    if sheets:
        yield from _sheets(c, int(sheets))
    rows, found = c.before.get("rows"), c.total("rows")
    if rows is not None and c.output_format in _COUNTED:
        yield Check(
            name="rows", ok=found == rows, expected=rows, actual=found, severe=found < 0.95 * rows
        )
    if c.source_format in _PLAIN:
        made = c.total("formulas")
        yield Check(name="no_formulas_made", ok=made == 0, expected=0, actual=made)


def slides(c: Compared) -> Iterator[Check]:
    """Every slide, where the result counts them."""
    before, found = c.before.get("slides"), c.total("slides")
    if before and (found or c.output_format == "json"):
        yield Check(name="slides", ok=found == before, expected=before, actual=found)
