"""Whether an MPEG-4 file holds moving pictures: many recordings of sound alone carry a film's mark.

Source: ISO/IEC 14496-12, boxes ``moov``, ``trak``, ``mdia``, ``hdlr``.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_MOST = 64 << 20  # of ``moov``, the table of all samples


def is_sound_alone(path: Path) -> bool:
    """True where the tracks are named and none of them is a picture; False in doubt."""
    with path.open("rb") as file:
        moov = _moov(file)
    handlers = {moov[place + 12 : place + 16] for place in _places(moov, b"hdlr")}
    return b"soun" in handlers and b"vide" not in handlers


def _places(data: bytes, word: bytes) -> list[int]:
    """Where a box's name stands."""
    found, place = [], data.find(word)
    while place >= 0:
        found.append(place)
        place = data.find(word, place + 4)
    return found


def _moov(file: BinaryIO) -> bytes:
    place = 0
    while True:
        file.seek(place)
        head = file.read(16)
        if len(head) < 8:
            return b""
        size, kind = struct.unpack_from(">I4s", head)
        start = 8
        if size == 1 and len(head) == 16:
            size, start = struct.unpack_from(">Q", head, 8)[0], 16
        if kind == b"moov":
            file.seek(place + start)
            return file.read(min(max(size - start, 0), _MOST))
        if size < start:
            return b""
        place += size
