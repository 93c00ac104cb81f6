"""Which value stands in which column: a digest of tables that survives a change of format."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

MOST = 20_000  # values of a table that are looked at
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")


def plain(value: Any) -> str | None:
    """One spelling of a value; None for what holds other values. ``007`` is no number."""
    if value is None or isinstance(value, dict | list):
        return None if value is not None else ""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value).strip()
    if isinstance(value, str) and not _NUMBER.fullmatch(text):
        return text.lower() if text.lower() in ("true", "false") else "".join(text.split())
    digits = text.lstrip("-")
    return text if digits.isdigit() else f"{float(text):.12g}"


def _mark(place: str | int, value: str) -> int:
    return zlib.crc32(f"{place}\0{value}".encode("utf-8", "replace"))


def _marks(found: Iterable[tuple[str | int, Any]]) -> list[int]:
    marks: list[int] = []
    for place, value in found:
        text = plain(value)
        if text:
            marks.append(_mark(place, text))
        if len(marks) >= MOST:
            break
    return marks


def of_records(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """{named: marks of (column's name, value)}."""
    found = ((str(name).strip(), value) for row in rows for name, value in row.items())
    return {"named": _marks(found)}


def of_rows(rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """{placed: marks of (column's number, value)}, and by name if the first row names them."""
    placed = ((number, value) for row in rows for number, value in enumerate(row))
    names = [str(name).strip() for name in rows[0]] if rows else []
    known = {"placed": _marks(placed)}
    if names and all(names) and len(set(names)) == len(names):
        known |= of_records([dict(zip(names, row, strict=False)) for row in rows[1:]])
    return known


_COLUMN = re.compile(r"([A-Z]{1,3})\d+")


def column_of(reference: str) -> int | None:
    """Number of a cell's column from a reference such as AB12; counted from 0."""
    found = _COLUMN.fullmatch(reference)
    if not found:
        return None
    number = 0
    for letter in found[1]:
        number = number * 26 + ord(letter) - 64
    return number - 1


def of_workbook(
    elements: Iterator[tuple[str, Any]], strings: list[str], most: int = MOST
) -> tuple[list[int], list[int], int]:
    """Marks of a sheet's texts and unformatted numbers, of its formatted numbers, and all cells.

    Cells that give no mark count as well, so that reading ends where it ends in other formats.
    A date's number is not what is shown, so only the first are asked for in a result; but a program
    may give each number a format, so a result has them among either.
    """
    plain: list[int] = []
    formatted: list[int] = []
    cells = 0
    for tag, element in elements:
        if tag == "row":
            element.clear()
        if tag != "c" or cells >= most:
            continue
        cells += any(child.tag.endswith(("}v", "}is")) for child in element)
        column, kind = column_of(element.get("r", "")), element.get("t", "n")
        if column is None or any(child.tag.endswith("}f") for child in element):
            continue
        text = "".join(element.itertext()).strip()  # parts may be indented
        if kind == "s" and text.isdigit() and int(text) < len(strings):
            text = strings[int(text)]
        if kind in ("s", "inlineStr") or (kind == "n" and element.get("s", "0") == "0"):
            plain += _marks([(column, text)])
        elif kind == "n":
            formatted += _marks([(column, text)])
    return plain, formatted, cells
