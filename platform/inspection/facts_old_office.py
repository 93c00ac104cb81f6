"""Facts about doc, xls, dif and slk, by our own reading (xls: xlrd)."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

from inspection.ole import WORD_97
from inspection.text import decode_head, encoding_of, read_head
from inspection.words import digest, digest_of_values

_MOST = 64 << 20


def of_doc(path: Path, code: str) -> dict[str, Any]:
    """{words…} of the main text and its boxes, through the piece table (MS-DOC 2.4.1).

    Headers, footers and notes are left out, as they are of other documents.
    """
    import olefile  # noqa: PLC0415

    with olefile.OleFileIO(path) as ole:
        main = ole.openstream("WordDocument").read()
        version, flags = struct.unpack_from("<H", main, 2)[0], struct.unpack_from("<H", main, 10)[0]
        if flags & 0x0100:
            return {"encrypted": True}
        if version < WORD_97:
            return _plain_run(main, complex_=bool(flags & 4))
        table = ole.openstream("1Table" if flags & 0x0200 else "0Table").read()
    place, size = struct.unpack_from("<II", main, 0x01A2)
    text = "".join(_piece(main, *piece) for piece in _pieces(table[place : place + size]))
    body, *others, boxes = struct.unpack_from("<7i", main, 0x4C)  # ccpText … ccpTxbx
    before = body + sum(others)
    return _seen(text[:body] + " " + text[before : before + boxes])


def _plain_run(main: bytes, *, complex_: bool) -> dict[str, Any]:
    """Word 6 and 95: the main text from fcMin; pieces of a quick save are not followed.

    Only words in ASCII: what other letters mean is written in the fonts.
    """
    if complex_:
        return {}
    place, size = struct.unpack_from("<I", main, 0x18)[0], struct.unpack_from("<I", main, 0x34)[0]
    words = re.split(r"[\x00-\x20]+", main[place : place + size].decode("latin-1"))
    return _seen(" ".join(word for word in words if word.isascii()))


def _seen(text: str) -> dict[str, Any]:
    # Field instructions stand between 0x13 and 0x14, results up to 0x15; fields lie in fields.
    for _ in range(8):
        text, found = re.subn(r"\x13[^\x13-\x15]*(?:\x14([^\x13-\x15]*))?\x15", r" \1 ", text)
        if not found:
            break
    return digest(re.sub(r"[\x00-\x1f]", " ", text))


def _pieces(clx: bytes) -> list[tuple[int, int, int]]:
    """(characters, file position, compressed?) of each piece."""
    place = 0
    while place < len(clx) and clx[place] == 1:
        place += 3 + struct.unpack_from("<H", clx, place + 1)[0]
    if place >= len(clx) or clx[place] != 2:
        raise ValueError("no piece table")
    size = struct.unpack_from("<I", clx, place + 1)[0]
    body = clx[place + 5 : place + 5 + size]
    count = (size - 4) // 12
    ends = struct.unpack_from(f"<{count + 1}I", body)
    found = []
    for n in range(count):
        where = struct.unpack_from("<I", body, 4 * (count + 1) + 8 * n + 2)[0]
        found.append((ends[n + 1] - ends[n], where & 0x3FFFFFFF, where >> 30 & 1))
    return found


def _piece(main: bytes, count: int, place: int, compressed: int) -> str:
    if compressed:
        return main[place // 2 : place // 2 + count].decode("cp1252", "replace")
    return main[place : place + 2 * count].decode("utf-16-le", "replace")


def _shown(cell: Any) -> str:
    import xlrd  # noqa: PLC0415

    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return "TRUE" if cell.value else "FALSE"
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, ""))
    return str(cell.value)


def _is_small(path: Path) -> bool:
    """Whether the looks of cells may be read as well, which takes twice as long."""
    return path.stat().st_size < 8 << 20


def _hides(sheet: Any) -> bool:
    """Whether rows or columns are hidden, as filters do."""
    rows, columns = getattr(sheet, "rowinfo_map", {}), getattr(sheet, "colinfo_map", {})
    return any(one.hidden for one in (*rows.values(), *columns.values()))


def of_xls(path: Path, code: str) -> dict[str, Any]:
    """{sheets, rows, cells, words…} by xlrd."""
    import xlrd  # noqa: PLC0415

    with (
        Path("/dev/null").open("w") as nowhere,
        xlrd.open_workbook(
            path, on_demand=True, logfile=nowhere, formatting_info=_is_small(path)
        ) as book,
    ):
        rows = cells = 0
        pieces: list[str] = []
        for number in range(book.nsheets):
            sheet = book.sheet_by_index(number)
            for n in range(sheet.nrows):
                values = [_shown(cell) for cell in sheet.row(n) if cell.value not in ("", None)]
                rows += bool(values)
                cells += len(values)
                pieces += values
        known = {"sheets": book.nsheets, "rows": rows, "cells": cells}
        others = book._all_sheets_count - book.nsheets  # noqa: SLF001 (charts, macros: no cells)
        known |= {"chart_sheets": others} if others > 0 else {}
        hidden = any(sheet.visibility or _hides(sheet) for sheet in book.sheets())
        limited = any(name.builtin and name.name == "\x06" for name in book.name_obj_list)
        known |= {"unprinted": True} if hidden or limited else {}
    return {**known, **digest_of_values(pieces)}


def of_cells(path: Path, code: str) -> dict[str, Any]:
    """{rows, cells, words…} of DIF and SYLK, line by line."""
    encoding = encoding_of(read_head(path))
    if encoding is None:
        raise ValueError("no text")
    text = decode_head(path, encoding, _MOST)
    if code == "slk":
        if not text.rstrip().endswith("E"):
            raise ValueError("cut off")
        found = re.findall(r'(?m)^C;(?:[^"\n]*;)?K("?)(.*?)"?(?:;.*)?$', text)
        values = [value for _, value in found]
        rows = len(set(re.findall(r"(?m)^[CF];.*?Y(\d+)", text)))
        return {"cells": len(values), "slk_rows": rows, **digest_of_values(values)}
    if "EOD" not in text[-64:]:
        raise ValueError("cut off")
    values = re.findall(r'(?m)^"(.*)"$', text)
    return {"cells": len(values), "dif_rows": text.count("BOT"), **digest_of_values(values)}
