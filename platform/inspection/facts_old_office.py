"""Facts about doc, xls, ppt, dif, slk and flat OpenDocument, by our own reading (xls: xlrd)."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

from inspection.text import decode_head, encoding_of, read_head
from inspection.words import digest

_MOST = 64 << 20


def of_doc(path: Path, code: str) -> dict[str, Any]:
    """{words…} through the piece table (MS-DOC 2.4.1)."""
    import olefile  # noqa: PLC0415

    with olefile.OleFileIO(path) as ole:
        main = ole.openstream("WordDocument").read()
        flags = struct.unpack_from("<H", main, 10)[0]
        if flags & 0x0100:
            return {"encrypted": True}
        table = ole.openstream("1Table" if flags & 0x0200 else "0Table").read()
    place, size = struct.unpack_from("<II", main, 0x01A2)
    pieces = _pieces(table[place : place + size])
    text = "".join(_piece(main, *piece) for piece in pieces)
    # Field instructions stand between 0x13 and 0x14, results up to 0x15.
    text = re.sub(r"\x13[^\x13-\x15]*\x14?", " ", text)
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


def of_xls(path: Path, code: str) -> dict[str, Any]:
    """{sheets, rows, cells, words…} by xlrd."""
    import xlrd  # noqa: PLC0415

    with (
        Path("/dev/null").open("w") as nowhere,
        xlrd.open_workbook(path, on_demand=True, logfile=nowhere) as book,
    ):
        rows = cells = 0
        pieces: list[str] = []
        for number in range(book.nsheets):
            sheet = book.sheet_by_index(number)
            for n in range(sheet.nrows):
                values = [str(v) for v in sheet.row_values(n) if v not in ("", None)]
                rows += bool(values)
                cells += len(values)
                pieces += values
        known = {"sheets": book.nsheets, "rows": rows, "cells": cells}
    return {**known, **digest("\n".join(pieces))}


def of_ppt(path: Path, code: str) -> dict[str, Any]:
    """{slides, words…} from the text atoms of the slides (MS-PPT 2.3)."""
    import olefile  # noqa: PLC0415

    with olefile.OleFileIO(path) as ole:
        data = ole.openstream("PowerPoint Document").read()
    slides, pieces = 0, []
    for kind, body in _records(data):
        slides += kind == 1006
        if kind == 4000:  # UTF-16
            pieces.append(body.decode("utf-16-le", "replace"))
        elif kind == 4008:  # Latin-1
            pieces.append(body.decode("latin-1"))
    return {"slides": slides, **digest("\n".join(pieces))}


def _records(data: bytes) -> list[tuple[int, bytes]]:
    """(type, body) of all records; of containers only the type."""
    found: list[tuple[int, bytes]] = []
    place = 0
    while place + 8 <= len(data) and len(found) < 1_000_000:
        version, kind, size = struct.unpack_from("<HHI", data, place)
        place += 8
        notes = kind == 4080 and version >> 4  # texts of masters and notes, not of slides
        if kind in (1016, 1008, 4041) or notes:
            place += size
        elif version & 0xF == 0xF:
            found.append((kind, b""))
        else:
            found.append((kind, data[place : place + size]))
            place += size
    return found


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
        return {"cells": len(values), "slk_rows": rows, **digest("\n".join(values))}
    if "EOD" not in text[-64:]:
        raise ValueError("cut off")
    values = re.findall(r'(?m)^"(.*)"$', text)
    return {"cells": len(values), "dif_rows": text.count("BOT"), **digest("\n".join(values))}
