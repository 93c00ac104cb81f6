"""Facts about text and tables of text."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from inspection.cells import of_rows
from inspection.text import decode_head, encoding_of, find_encoding, read_head
from inspection.values import leaves, marks_of
from inspection.words import digest, digest_of_values

_MOST = 64 << 20


def of_text(path: Path, code: str) -> dict[str, Any]:
    """{lines, words…}; JSON is parsed, other text must decode."""
    head = read_head(path)
    encoding = encoding_of(head)
    if encoding is None:
        raise ValueError("no text")
    text = decode_head(path, encoding, _MOST)
    known: dict[str, Any] = {"encoding": encoding, "lines": text.count("\n")}
    if code == "json":
        made = json.loads(text.lstrip("\ufeff"))
        known |= _json_counts(made)
        return {**known, **digest_of_values(_strings(made, truths="sheets" in known))}
    return {**known, **digest(text)}


def _json_counts(made: Any) -> dict[str, Any]:
    if not isinstance(made, dict):
        return {"items": len(made) if isinstance(made, list) else 1}
    known: dict[str, Any] = {"items": len(made)}
    if isinstance(made.get("slides"), list):
        known["slides"] = len(made["slides"])
    if isinstance(made.get("sheets"), dict):
        known |= {
            "sheets": len(made["sheets"]),
            "rows": sum(bool(row) for rows in made["sheets"].values() for row in rows),
            "placed": _placed(made["sheets"].values()),
        }
    return known


def _placed(sheets: Iterable[Any]) -> list[int]:
    """Marks of the values of all sheets that are lists of rows."""
    rows = [row for sheet in sheets if isinstance(sheet, list) for row in sheet]
    marks: list[int] = of_rows([row for row in rows if isinstance(row, list)])["placed"]
    return marks


def _strings(value: Any, *, truths: bool = False) -> list[str]:
    """Every text and name; ``truths`` as well, which a workbook writes as words."""
    found, pending = [], [value]
    while pending:
        one = pending.pop()
        if isinstance(one, str) or (truths and isinstance(one, bool)):
            found.append(str(one))
        elif isinstance(one, dict):
            pending += [*one.keys(), *one.values()][::-1]
        elif isinstance(one, list):
            pending += one[::-1]
    return found


def of_csv(path: Path, code: str) -> dict[str, Any]:
    """{rows, columns, words…} with the delimiter found by counting."""
    encoding = find_encoding(path)
    codecs.lookup(encoding)
    head = decode_head(path, encoding)
    lines = [line for line in head.splitlines() if line.strip()][:50]
    if encoding_of(read_head(path)) is None:
        raise ValueError("no text")
    marks = "\t" if code == "tsv" else ",;\t|"
    mark = max(marks, key=lambda m: _evenness(lines, m))
    text = decode_head(path, encoding, _MOST).lstrip("\ufeff").replace("\x00", "")
    csv.field_size_limit(16 << 20)
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark) if any(row)]
    known: dict[str, Any] = {
        "rows": len(rows),
        "columns": max((len(row) for row in rows), default=0),
    }
    # The first row names the columns.
    known |= {"values": marks_of(leaves(rows[1:])), **of_rows(rows)}
    words = digest_of_values(" ".join(row) for row in rows)
    return {**known, "encoding": encoding, **words}


def _evenness(lines: list[str], mark: str) -> tuple[float, int]:
    counts = [len(row) for row in csv.reader(lines, delimiter=mark)]
    usual = max(set(counts), key=counts.count) if counts else 1
    return (counts.count(usual) / len(counts) if usual > 1 else 0.0, usual)
