"""Letters that a PDF paints as the box for "no such letter", though the text below says them.

LibreOffice embeds the box as a glyph of its own, so that its number tells nothing: its outline
is that of glyph 0.
"""

from __future__ import annotations

import itertools
import struct
import time
from typing import Any

_PAGES, _SECONDS, _LETTERS = 12, 1.0, 20_000  # that are looked at
_INVISIBLE = 3  # text below a scan


def boxes_of(document: Any) -> tuple[int, int]:
    """(letters shown as boxes, all letters) of the first pages that MuPDF has opened."""
    boxes = letters = 0
    until = time.monotonic() + _SECONDS
    known: dict[int, frozenset[int]] = {}
    for number in range(min(document.page_count, _PAGES)):
        if time.monotonic() > until or letters > _LETTERS:
            break
        page = document[number]
        empty = {
            font[3].rpartition("+")[2]: _cached(document, font[0], known)
            for font in page.get_fonts()
            if font[1] == "ttf"
        }
        for span in page.get_texttrace():
            if span["type"] != _INVISIBLE:
                shown = [one[1] for one in span["chars"] if not chr(one[0]).isspace()]
                letters += len(shown)
                none = empty.get(span["font"], frozenset())
                boxes += sum(glyph in none for glyph in shown)
    return boxes, letters


def _cached(document: Any, xref: int, known: dict[int, frozenset[int]]) -> frozenset[int]:
    if xref not in known:
        try:
            known[xref] = like_the_first(document.extract_font(xref)[3])
        except (struct.error, ValueError, KeyError, IndexError):
            known[xref] = frozenset()
    return known[xref]


def like_the_first(font: bytes) -> frozenset[int]:
    """Glyphs of a TrueType font with the outline of glyph 0, and itself where it has one."""
    tables = {}
    for number in range(struct.unpack_from(">H", font, 4)[0]):
        tag, _, place, length = struct.unpack_from(">4sIII", font, 12 + 16 * number)
        tables[tag] = font[place : place + length]
    wide = struct.unpack_from(">h", tables[b"head"], 50)[0]
    loca, glyf = tables[b"loca"], tables[b"glyf"]
    count = len(loca) // (4 if wide else 2)
    offsets = struct.unpack_from(f">{count}{'I' if wide else 'H'}", loca)
    ends = [offset if wide else 2 * offset for offset in offsets]
    outlines = [glyf[start:end] for start, end in itertools.pairwise(ends)]
    if not outlines or not outlines[0]:
        return frozenset()
    return frozenset(n for n, outline in enumerate(outlines) if outline == outlines[0])
