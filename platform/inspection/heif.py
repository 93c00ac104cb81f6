"""The boxes of HEIF pictures (HEIC, AVIF): size, cut, turn and mirror of the primary picture.

Source: ISO/IEC 23008-12 (HEIF), ISO/IEC 14496-12 (boxes).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_HEAD = 16 << 20  # the boxes stand before the pictures
Turn = tuple[str, int]  # ("turn", quarters against the clock) or ("mirror", 0 top-bottom, 1 sides)


@dataclass
class Meta:
    """The parts of a ``meta`` box that place and shape pictures."""

    primary: int = 0
    first_coded: int = 0  # the one that simple readers take for the picture
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    belongs: dict[int, list[int]] = field(default_factory=dict)


def turns_of(path: Path) -> list[Turn] | None:
    """How a reader that knows no turns must turn the primary picture; None where it is cut."""
    try:
        return turns(read_meta(path))
    except ValueError:  # a film of pictures has none of these boxes
        return []


def read_meta(path: Path) -> Meta:
    """The ``meta`` box; raises ValueError where there is none."""
    with path.open("rb") as file:
        return meta_of(file.read(_HEAD))


def turns(meta: Meta) -> list[Turn] | None:
    """The same of boxes that were read."""
    found: list[Turn] = []
    for number in meta.belongs.get(meta.primary, ()):
        kind, body = (
            meta.properties[number - 1] if 0 < number <= len(meta.properties) else (b"", b"")
        )
        if kind == b"clap":
            return None
        if kind == b"irot" and body[0] & 3:
            found.append(("turn", body[0] & 3))
        elif kind == b"imir":
            found.append(("mirror", body[0] & 1))
    return found


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


def meta_of(data: bytes) -> Meta:
    """The ``meta`` box of a file's head; raises ValueError where there is none."""
    found = Meta()
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


def shown_size(meta: Meta) -> tuple[int, int]:
    """(width, height) in pixels, after cutting and turning."""
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


def turned(pixels: Any, turns: Iterable[Turn]) -> Any:
    """Pixels as HEIF's properties ``irot`` and ``imir`` ask, in their order."""
    import numpy as np  # noqa: PLC0415

    for kind, value in turns:
        pixels = np.rot90(pixels, value) if kind == "turn" else np.flip(pixels, axis=value)
    return np.ascontiguousarray(pixels)
