"""Facts about PowerPoint 97–2003 files, by our own reading (MS-PPT)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inspection.words import digest

_CONTAINER = 0xF
_USER_EDIT, _DIRECTORY, _DOCUMENT = 4085, 6002, 1000
_SLIDE, _NOTES, _MASTER, _SLIDE_LIST, _OF_SLIDE = 1006, 1008, 1016, 4080, 1011
_UTF16, _LATIN, _LOCKED = 4000, 4008, 0xF3D1C4DF
_MOST_EDITS = 1_000


def of_ppt(path: Path, code: str) -> dict[str, Any]:
    """{slides, hidden_slides, words…} of the slides that the last save lists.

    A quick save leaves old slides in the stream; only the persist directory tells which live.
    """
    import olefile  # noqa: PLC0415

    with olefile.OleFileIO(path) as ole:
        data = ole.openstream("PowerPoint Document").read()
        user = ole.openstream("Current User").read()
    if struct.unpack_from("<I", user, 12)[0] == _LOCKED:
        return {"encrypted": True}
    places, document = _persisted(data, struct.unpack_from("<I", user, 16)[0])
    pieces, living = _listed(data, places[document])
    hidden = 0
    for number in living:
        texts, is_hidden = _slide(data, places[number])
        pieces += texts
        hidden += is_hidden
    # The last letters are of fields: 0x0B breaks lines.
    text = re.sub(r"[\x00-\x1f]", " ", "\n".join(pieces))
    return {"slides": len(living), "hidden_slides": hidden, **digest(text)}


def _persisted(data: bytes, edit: int) -> tuple[dict[int, int], int]:
    """Places of all objects by number, newest first, and the number of the document."""
    places: dict[int, int] = {}
    document = 0
    for _ in range(_MOST_EDITS):
        _, kind, _ = struct.unpack_from("<HHI", data, edit)
        if kind != _USER_EDIT:
            raise ValueError("no user edit")
        _, _, older, directory, number = struct.unpack_from("<IIIII", data, edit + 8)
        document = document or number
        for key, place in _directory(data, directory):
            places.setdefault(key, place)
        if not older:
            return places, document
        edit = older
    raise ValueError("too many edits")


def _directory(data: bytes, place: int) -> Iterator[tuple[int, int]]:
    _, kind, size = struct.unpack_from("<HHI", data, place)
    if kind != _DIRECTORY:
        raise ValueError("no persist directory")
    at, end = place + 8, place + 8 + size
    while at < end:
        word = struct.unpack_from("<I", data, at)[0]
        first, count = word & 0xFFFFF, word >> 20
        offsets = struct.unpack_from(f"<{count}I", data, at + 4)
        yield from enumerate(offsets, first)
        at += 4 + 4 * count


def _records(data: bytes, place: int) -> Iterator[tuple[int, int, bytes]]:
    """(type, instance, body) of a container's records, deep; of containers only the type."""
    _, _, size = struct.unpack_from("<HHI", data, place)
    at, end = place + 8, min(place + 8 + size, len(data))
    while at + 8 <= end:
        version, kind, size = struct.unpack_from("<HHI", data, at)
        at += 8
        if version & _CONTAINER == _CONTAINER:
            skipped = kind == _SLIDE_LIST and version >> 4  # of masters and notes
            yield kind, version >> 4, b""
            at += size if skipped else 0
        else:
            yield kind, version >> 4, data[at : at + size]
            at += size


def _listed(data: bytes, place: int) -> tuple[list[str], list[int]]:
    """Texts of the list of slides, and the slides' numbers."""
    pieces, living = [], []
    for kind, _, body in _records(data, place):
        if kind == _OF_SLIDE:
            living.append(struct.unpack_from("<I", body)[0])
        if living:
            pieces += _text(kind, body)
    return pieces, living


def _slide(data: bytes, place: int) -> tuple[list[str], bool]:
    pieces: list[str] = []
    hidden = False
    for kind, _, body in _records(data, place):
        pieces += _text(kind, body)
        if kind == 1017 and len(body) >= 12:  # SlideShowSlideInfoAtom: fHidden
            hidden = bool(struct.unpack_from("<H", body, 10)[0] & 4)
    return pieces, hidden


def _text(kind: int, body: bytes) -> list[str]:
    if kind == _UTF16:
        return [body.decode("utf-16-le", "replace")]
    return [body.decode("latin-1")] if kind == _LATIN else []
