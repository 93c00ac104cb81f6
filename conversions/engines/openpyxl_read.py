"""Workbook to CSV, JSON or text, row by row."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conversions.engines.package_check import open_package
from conversions.engines.spec import EngineCall, InputRejected, LimitExceeded

if TYPE_CHECKING:
    from conversions.engines.openpyxl_engine import Options

MAX_CELLS = 50_000_000  # a single far cell makes a sheet of 17 billion
DELIMITERS = {"auto": ",", "comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
Row = list[Any]


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return str(value)
    return value


def _rows(sheet: Any, budget: list[int]) -> Iterator[Row]:
    """Rows without empty tails; gaps between rows are kept, but not the endless ones after."""
    empty = 0
    for cells in sheet.iter_rows(values_only=True):
        budget[0] -= len(cells)
        if budget[0] < 0:
            raise LimitExceeded(f"The workbook has more than {MAX_CELLS:,} cells.")
        row = [_plain(value) for value in cells]
        while row and row[-1] is None:
            row.pop()
        if not row:
            empty += 1
            continue
        yield from ([] for _ in range(empty))
        empty = 0
        yield row


def _chosen(book: Any, wanted: str | None) -> list[Any]:
    sheets = list(book.worksheets)
    if not wanted:
        return sheets
    named = [sheet for sheet in sheets if sheet.title == wanted]
    if not named and wanted.isdecimal() and 1 <= int(wanted) <= len(sheets):
        named = [sheets[int(wanted) - 1]]
    if not named:
        names = ", ".join(sheet.title for sheet in sheets[:20])
        raise InputRejected(
            f"There is no sheet {wanted!r}; there are: {names}.", code="engine_failed"
        )
    return named


def write_tables(
    call: EngineCall, options: Options
) -> tuple[list[Path], dict[str, Any], list[str]]:
    """Write the chosen sheets; CSV of several sheets is a file per sheet."""
    open_package(call.source)
    import openpyxl  # noqa: PLC0415 (imported in the sandboxed child only)

    try:
        book = openpyxl.load_workbook(call.source, read_only=True, data_only=True, keep_links=False)
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # what the file claims about its size is often wrong
        sheets = _chosen(book, options.sheet)
        return _write(call, options, sheets)
    except (MemoryError, InputRejected, LimitExceeded):
        raise
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"
        raise InputRejected("The workbook is damaged.", detail=detail) from error


def _write(
    call: EngineCall, options: Options, sheets: list[Any]
) -> tuple[list[Path], dict[str, Any], list[str]]:
    budget, rows, outputs = [MAX_CELLS], 0, []
    if call.output_format == "json":
        tables = {sheet.title: list(_rows(sheet, budget)) for sheet in sheets}
        rows = sum(len(table) for table in tables.values())
        text = json.dumps({"sheets": tables}, ensure_ascii=False, default=str)
        call.target.write_text(text + "\n", encoding="utf-8")
        outputs = [call.target]
    elif call.output_format == "txt":
        rows = _write_text(call, sheets, budget)
        outputs = [call.target]
    else:
        for number, sheet in enumerate(sheets, 1):
            outputs.append(_csv_name(call.target, sheet.title, number, len(sheets)))
            rows += _write_csv(outputs[-1], sheet, options, budget)
            call.progress(number / len(sheets), "writing sheets")
    warnings = [] if rows else ["The workbook has no filled cells."]
    return outputs, {"sheets": len(sheets), "rows": rows}, warnings


def _csv_name(target: Path, title: str, number: int, count: int) -> Path:
    if count == 1:
        return target
    word = re.sub(r"[^\w-]+", "-", title)[:40].strip("-") or "sheet"
    return target.with_stem(f"{target.stem}-{number}-{word}")


def _write_csv(path: Path, sheet: Any, options: Options, budget: list[int]) -> int:
    encoding = "utf-8" if options.encoding == "auto" else options.encoding
    count = 0
    with path.open("w", encoding=encoding, errors="replace", newline="") as file:
        writer = csv.writer(file, delimiter=DELIMITERS[options.delimiter])
        for count, row in enumerate(_rows(sheet, budget), 1):  # noqa: B007
            writer.writerow(["" if value is None else value for value in row])
    return count


def _write_text(call: EngineCall, sheets: list[Any], budget: list[int]) -> int:
    count = 0
    with call.target.open("w", encoding="utf-8", newline="\n") as file:
        for sheet in sheets:
            if len(sheets) > 1:
                file.write(f"{sheet.title}\n")
            for row in _rows(sheet, budget):
                file.write("\t".join("" if v is None else str(v) for v in row) + "\n")
                count += 1
            file.write("\n" if len(sheets) > 1 else "")
    return count
