"""Windows metafiles (EMF, WMF) by their records: size, what is drawn, words, and whether they end.

Nothing is painted. Sources: [MS-EMF], [MS-WMF].
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from inspection.words import digest

CODES = ("emf", "wmf")
_MOST_BYTES = 128 << 20
_PIXELS_MM, _PIXELS_INCH = 96 / 25.4, 96
_PLACED = b"\xd7\xcd\xc6\x9a"
_MOST_MM100 = 300_000  # 3 m: the largest page of LibreOffice
# Lines, areas, texts and pictures.
_EMF_DRAWN = frozenset(
    {*range(2, 9), 15, *range(41, 48), 54, 55, 56, *range(62, 65), 71, 74, *range(76, 82), 83, 84}
) | frozenset({*range(85, 93), 96, 97, 108, 114, 116, 118})
_WMF_DRAWN = frozenset(
    {0x0213, 0x0324, 0x0325, 0x0410, 0x0418, 0x041B, 0x041F, 0x0521, 0x0538, 0x061C, 0x061D}
) | frozenset({0x081A, 0x0817, 0x0830, 0x0922, 0x0940, 0x0A32, 0x0B23, 0x0B41, 0x0D33, 0x0F43})
_EMF_END, _EMF_COMMENT, _EMF_TEXT_A, _EMF_TEXT_W = 14, 70, 83, 84
_GLYPHS = 0x10  # of a text's options: numbers of shapes in the font, no letters
_WMF_TEXT, _WMF_LONG_TEXT = 0x0521, 0x0A32
_PLUS_DRAWN = range(0x4009, 0x401E)


class Record(NamedTuple):
    """One record: its kind and its bytes from the first after its head."""

    kind: int
    body: bytes


def of_metafile(path: Path, code: str) -> dict[str, Any]:
    """{shapes, frames, width, height, words, …}; raises ValueError for what is cut off.

    Width and height are pixels at 96 dpi; missing where the file does not tell its size.
    """
    data = _read(path)
    shapes, texts = 0, []
    for record in _records(data, code):
        drawn = _EMF_DRAWN if code == "emf" else _WMF_DRAWN
        shapes += record.kind in drawn or (code == "emf" and _draws_plus(record))
        words = (_emf_words if code == "emf" else _wmf_words)(record)
        texts += [words] if words else []
    known: dict[str, Any] = {"frames": 1, "shapes": shapes} | digest("\n".join(texts))
    size = size_of(data)
    if size:
        wide, high = (max(1, round(side * _PIXELS_MM / 100)) for side in size)
        known |= {"width": wide, "height": high}
    return known


def frame_of(path: Path, code: str) -> tuple[int, int] | None:
    """(width, height) in 1/100 mm of a whole metafile; None where it does not tell.

    Raises ValueError for one that is cut off, or draws nothing.
    """
    data = _read(path)
    count = sum(1 for _ in _records(data, code))
    if count < 2:
        raise ValueError("nothing is drawn")
    return size_of(data)


def size_of(data: bytes) -> tuple[int, int] | None:
    """The same of bytes."""
    if data[40:44] == b" EMF":
        left, top, right, bottom = struct.unpack_from("<4i", data, 24)
        size = right - left, bottom - top
    elif data.startswith(_PLACED):
        left, top, right, bottom, inch = struct.unpack_from("<4hH", data, 6)
        if not inch:
            return None
        wide, high = (abs(side) * 2540 / inch for side in (right - left, bottom - top))
        size = round(wide), round(high)
    else:
        return None
    return size if all(0 < side <= _MOST_MM100 for side in size) else None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError("too large")
    return data


def _records(data: bytes, code: str) -> Iterator[Record]:
    try:
        yield from _of_emf(data) if code == "emf" else _of_wmf(data)
    except struct.error as error:
        raise ValueError("cut off") from error


def _of_emf(data: bytes) -> Iterator[Record]:
    place = 0
    while True:
        kind, size = struct.unpack_from("<II", data, place)
        if size < 8 or place + size > len(data):
            raise ValueError("cut off")
        yield Record(kind, data[place + 8 : place + size])
        if kind == _EMF_END:
            return
        place += size


def _of_wmf(data: bytes) -> Iterator[Record]:
    place = 22 if data.startswith(_PLACED) else 0
    head_words = struct.unpack_from("<H", data, place + 2)[0]
    if head_words != 9:
        raise ValueError("no metafile")
    place += 18
    while True:
        words, kind = struct.unpack_from("<IH", data, place)
        if words < 3 or place + 2 * words > len(data):
            raise ValueError("cut off")
        yield Record(kind, data[place + 6 : place + 2 * words])
        if kind == 0:
            return
        place += 2 * words


def _draws_plus(record: Record) -> bool:
    """Whether a comment holds records of EMF+ that draw."""
    if record.kind != _EMF_COMMENT or record.body[4:8] != b"EMF+":
        return False
    place, body = 8, record.body
    while place + 12 <= len(body):
        kind, _, size = struct.unpack_from("<HHI", body, place)
        if kind in _PLUS_DRAWN:
            return True
        place += max(size, 12)
    return False


def _emf_words(record: Record) -> str:
    """Of a text record; offsets count from the record's head of 8 bytes."""
    if record.kind not in (_EMF_TEXT_A, _EMF_TEXT_W) or len(record.body) < 48:
        return ""
    count, start, options = struct.unpack_from("<3I", record.body, 36)
    wide = record.kind == _EMF_TEXT_W
    raw = record.body[max(0, start - 8) : max(0, start - 8) + count * (2 if wide else 1)]
    if options & _GLYPHS:
        return ""
    return raw.decode("utf-16-le" if wide else "cp1252", "replace")


def _wmf_words(record: Record) -> str:
    """Of a text record, where its letters are the same in all of Windows' tables."""
    raw = b""
    if record.kind == _WMF_TEXT and len(record.body) > 2:
        raw = record.body[2 : 2 + max(0, struct.unpack_from("<h", record.body)[0])]
    elif record.kind == _WMF_LONG_TEXT and len(record.body) > 8:
        count, options = struct.unpack_from("<hH", record.body, 4)
        start = 16 if options & 6 else 8
        raw = record.body[start : start + max(0, count)]
    return raw.decode() if raw.isascii() else ""
