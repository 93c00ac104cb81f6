"""Which letter of a font is which glyph, and how wide: from the tables cmap and hmtx, by hand."""

from __future__ import annotations

import struct
from typing import Any

Tables = dict[bytes, bytes]
_SAMPLE = (*range(0x21, 0x7F), *range(0xC0, 0x250), *range(0x391, 0x3CA), *range(0x410, 0x450))
_ARABIC = tuple(range(0x621, 0x64B))


def letters_of(tables: Tables) -> dict[str, Any]:
    """{letters: [[code, glyph, width in em/1000 or None], …]} of common letters."""
    found = _map(tables[b"cmap"])
    widths = _widths(tables)
    letters = [
        [code, found[code], widths(found[code]) if widths else None]
        for code in (*_SAMPLE, *_ARABIC)
        if found.get(code)
    ]
    return {"letters": letters}


def _map(cmap: bytes) -> dict[int, int]:
    """Letters of the first subtable of form 12 or 4; empty where there is neither."""
    count = struct.unpack_from(">H", cmap, 2)[0]
    places = [struct.unpack_from(">HHI", cmap, 4 + 8 * number) for number in range(count)]
    for wanted, read in ((12, _form_12), (4, _form_4)):
        for platform, _, place in places:
            if platform in (0, 3) and struct.unpack_from(">H", cmap, place)[0] == wanted:
                return read(cmap[place:])
    return {}


def _form_12(table: bytes) -> dict[int, int]:
    groups = min(struct.unpack_from(">I", table, 12)[0], len(table) // 12)
    found: dict[int, int] = {}
    for number in range(groups):
        first, last, glyph = struct.unpack_from(">III", table, 16 + 12 * number)
        for code in range(first, min(last, first + 2000, 0x2000) + 1):
            found[code] = glyph + code - first
    return found


def _form_4(table: bytes) -> dict[int, int]:
    double = struct.unpack_from(">H", table, 6)[0]
    ends, starts = 14, 16 + double
    found: dict[int, int] = {}
    for place in range(0, double, 2):
        last = struct.unpack_from(">H", table, ends + place)[0]
        first, delta = (
            struct.unpack_from(">H", table, starts + step * double + place)[0] for step in (0, 1)
        )
        at = starts + 2 * double + place
        offset = struct.unpack_from(">H", table, at)[0]
        for code in range(first, min(last, 0x2000) + 1):
            glyph = code
            if offset:
                glyph = struct.unpack_from(">H", table, at + offset + 2 * (code - first))[0]
            found[code] = (glyph + delta) % 65536 if glyph or not offset else 0
    return found


def _widths(tables: Tables) -> Any:
    """A function from glyph to width; None where the table is packed away (WOFF2)."""
    if not all(name in tables for name in (b"hmtx", b"hhea", b"head")):
        return None
    em = struct.unpack_from(">H", tables[b"head"], 18)[0]
    count = struct.unpack_from(">H", tables[b"hhea"], 34)[0]
    if len(tables[b"hmtx"]) < 4 * count or not count or not em:
        return None  # WOFF2 may keep the widths in another form

    def width(glyph: int) -> int:
        place = 4 * min(glyph, count - 1)
        advance: int = struct.unpack_from(">H", tables[b"hmtx"], place)[0]
        return int(advance * 1000 / em + 0.5)

    return width
