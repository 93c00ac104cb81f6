"""Facts about HEIC pictures, from their boxes: the size of the primary picture as it is shown.

A file holds tiles, thumbnails, masks and further pictures beside the primary one; only the boxes
that belong to that one count. Source: ISO/IEC 23008-12 (HEIF), ISO/IEC 14496-12 (boxes).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inspection.facts_images import by_cv2_video

_HEAD = 16 << 20  # the boxes stand before the pictures


@dataclass
class _Meta:
    """The parts of a ``meta`` box that place and shape pictures."""

    primary: int = 0
    first_coded: int = 0  # the one that simple readers take for the picture
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    belongs: dict[int, list[int]] = field(default_factory=dict)


def of_heif(path: Path, code: str) -> dict[str, Any]:
    """{width, height, frames, …}: as shown, after cutting and turning; its look if readable."""
    with path.open("rb") as file:
        data = file.read(_HEAD)
    meta = _meta_of(data)
    width, height = _shown_size(meta)
    known: dict[str, Any] = {"width": width, "height": height, "frames": 1}
    if meta.first_coded != meta.primary:
        return known
    try:
        look = by_cv2_video(path, code)
    except ValueError:
        return known
    # That reader knows neither cut nor turn.
    return look | known if (look["width"], look["height"]) == (width, height) else known


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        head = 8
        if size == 1 and place + 16 <= len(data):
            size, head = struct.unpack_from(">Q", data, place + 8)[0], 16
        if size < head:
            size = len(data) - place
        yield kind, data[place + head : place + size]
        place += size


def _meta_of(data: bytes) -> _Meta:
    found = _Meta()
    meta = next((body[4:] for kind, body in _boxes(data) if kind == b"meta"), None)
    if meta is None:
        raise ValueError("no pictures in it")
    for kind, body in _boxes(meta):
        if kind == b"pitm":
            found.primary = struct.unpack_from(">I" if body[0] else ">H", body, 4)[0]
        elif kind == b"iinf":
            found.first_coded = _first_coded(body)
        elif kind == b"iprp":
            parts = dict(_boxes(body))
            found.properties = list(_boxes(parts.get(b"ipco", b"")))
            if b"ipma" in parts:
                found.belongs = _associations(parts[b"ipma"])
    return found


def _first_coded(body: bytes) -> int:
    for kind, entry in _boxes(body[8 if body[0] else 6 :]):
        if kind == b"infe" and entry[0] in (2, 3):
            form = ">HH4s" if entry[0] == 2 else ">IH4s"
            item, _, coded = struct.unpack_from(form, entry, 4)
            if coded in (b"hvc1", b"av01", b"avc1"):
                return int(item)
    return 0


def _associations(body: bytes) -> dict[int, list[int]]:
    """Item → numbers of its properties, counted from 1, in the order in which they apply."""
    version, wide = body[0], body[3] & 1
    count, place = struct.unpack_from(">I", body, 4)[0], 8
    found: dict[int, list[int]] = {}
    for _ in range(count):
        form = ">IB" if version else ">HB"
        item, few = struct.unpack_from(form, body, place)
        place += struct.calcsize(form)
        numbers = struct.unpack_from(f">{few}{'H' if wide else 'B'}", body, place)
        place += few * (2 if wide else 1)
        found[item] = [number & (0x7FFF if wide else 0x7F) for number in numbers]
    return found


def _shown_size(meta: _Meta) -> tuple[int, int]:
    width = height = 0
    for number in meta.belongs.get(meta.primary, ()):
        if not 0 < number <= len(meta.properties):
            continue
        kind, body = meta.properties[number - 1]
        if kind == b"ispe":
            width, height = struct.unpack_from(">II", body, 4)
        elif kind == b"clap":
            wide, wide_by, high, high_by = struct.unpack_from(">IIII", body)
            width, height = round(wide / max(wide_by, 1)), round(high / max(high_by, 1))
        elif kind == b"irot" and body[0] & 1:
            width, height = height, width
    if not width or not height:
        raise ValueError("no size in it")
    return width, height
