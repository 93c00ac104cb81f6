"""CSV to a workbook: encoding and delimiter found, formulas never made."""

from __future__ import annotations

import csv
import re
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

from conversions.engines.openpyxl_read import DELIMITERS
from conversions.engines.spec import EngineCall, InputRejected, LimitExceeded
from inspection.text import decode_head, find_encoding

if TYPE_CHECKING:
    from conversions.engines.openpyxl_engine import Options

_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # not allowed in XML
_LOOKED_AT = 2_000  # lines of the sample that tell the widths
_USUAL, _WIDEST, _UPRIGHT = 8, 250, 90  # letters; Excel's own column, its limit, a page's width
_ROWS, _COLUMNS, _CELL = 1_048_576, 16_384, 32_767


def _delimiter(sample: str, options: Options, tabs: bool) -> str:  # noqa: FBT001
    if tabs:
        return "\t"
    if options.delimiter != "auto":
        return DELIMITERS[options.delimiter]
    lines = [line for line in sample.splitlines() if line.strip()][:50]
    scores = {}
    for mark in ",;\t|":
        counts = [len(row) for row in csv.reader(lines, delimiter=mark)]
        usual = max(set(counts), key=counts.count) if counts else 1
        scores[mark] = (counts.count(usual) / len(counts) if usual > 1 else 0, usual)
    best = max(scores, key=lambda mark: scores[mark])
    return best if scores[best][0] else ","


def _cell(sheet: Any, value: str, options: Options) -> Any:
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 (in the sandboxed child only)

    text = _CONTROL.sub("\ufffd", value)[:_CELL]
    if options.numbers and _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    cell = WriteOnlyCell(sheet, value=None)
    cell.value = text
    cell.data_type = "s"  # also for "=…", "+…", "@…": never a formula
    return cell


def _lay_out(sheet: Any, sample: str, mark: str) -> None:
    """Columns as wide as their cells, and printed on one page's width: else text is cut off."""
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    widths: dict[int, int] = {}
    lines = sample.splitlines()[:_LOOKED_AT]
    for row in csv.reader(lines, delimiter=mark):
        for column, text in enumerate(row[:_COLUMNS], 1):
            longest = max(map(_width, text.split("\n")))
            widths[column] = max(widths.get(column, 0), longest)
    for column, width in widths.items():
        if width > _USUAL:
            letter = get_column_letter(column)
            sheet.column_dimensions[letter].width = min(width + 2, _WIDEST)
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_setup.fitToHeight = 0
    if sum(min(max(width, _USUAL), _WIDEST) for width in widths.values()) > _UPRIGHT:
        sheet.page_setup.orientation = "landscape"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def write_workbook(call: EngineCall, options: Options) -> tuple[dict[str, Any], list[str]]:
    """Write one sheet; raises LimitExceeded past what a sheet can hold."""
    import openpyxl  # noqa: PLC0415

    encoding = find_encoding(call.source) if options.encoding == "auto" else options.encoding
    sample = decode_head(call.source, encoding)
    if not sample.strip("\ufeff \t\r\n\x00"):
        raise InputRejected("The file is empty.", code="file_corrupt")
    mark = _delimiter(sample, options, call.input_format == "tsv")
    csv.field_size_limit(min(sys.maxsize, 1 << 20))
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    _lay_out(sheet, sample, mark)
    rows = 0
    with call.source.open(encoding=encoding, errors="replace", newline="") as file:
        try:
            for rows, row in enumerate(csv.reader(_no_mark(file), delimiter=mark), 1):
                if rows > _ROWS or len(row) > _COLUMNS:
                    raise LimitExceeded("A sheet holds 1,048,576 rows of 16,384 cells at most.")
                sheet.append([_cell(sheet, value, options) for value in row])
        except csv.Error as error:
            raise InputRejected("The CSV is damaged.", detail=str(error)) from error
    book.save(call.target)
    return {"rows": rows, "encoding": encoding, "delimiter": mark}, []


def _no_mark(file: Any) -> Any:
    """Lines without a byte order mark and without NUL, which the csv module refuses."""
    for number, line in enumerate(file):
        yield (line.lstrip("\ufeff") if number == 0 else line).replace("\x00", "")
