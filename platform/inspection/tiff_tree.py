"""The directories of a TIFF file, with those below others, and where their pictures lie.

Camera raw is TIFF-shaped: only its directories tell it from a picture, and only they tell whether
all of it is there. Nothing of a picture is read. Sources: TIFF 6.0, TIFF/EP (ISO 12234-2).
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

KIND, WIDTH, HEIGHT, BITS, COMPRESSION, COLOURS, MAKE = 254, 256, 257, 258, 259, 262, 271
STRIPS, ORIENTATION, SAMPLES, STRIP_ROWS, STRIP_BYTES, PLANES = 273, 274, 277, 278, 279, 284
TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES = 322, 323, 324, 325
BELOW, JPEG_START, JPEG_BYTES = 330, 513, 514
DNG_VERSION, SCALE, CROP_START, CROP_SIZE, ACTIVE = 50706, 50718, 50719, 50720, 50829
_KEPT = frozenset(
    {
        *(KIND, WIDTH, HEIGHT, BITS, COMPRESSION, COLOURS, MAKE, STRIPS, ORIENTATION, SAMPLES),
        *(STRIP_ROWS, STRIP_BYTES, PLANES, TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES, BELOW),
        *(JPEG_START, JPEG_BYTES, DNG_VERSION, SCALE, CROP_START, CROP_SIZE, ACTIVE),
    }
)
_FORMS = {1: "B", 2: "s", 3: "H", 4: "I", 5: "II", 6: "b", 7: "B", 8: "h", 9: "i", 10: "ii"}
_FORMS |= {11: "f", 12: "d", 13: "I"}
_MOST_DIRECTORIES, _MOST_ENTRIES, _MOST_VALUES = 64, 1_000, 200_000
PLAIN = 1  # of COMPRESSION: none


@dataclass
class Directory:
    """One picture's tags: numbers; fractions as floats."""

    numbers: dict[int, tuple[float, ...]] = field(default_factory=dict)
    make: str = ""

    def one(self, tag: int, otherwise: int = 0) -> int:
        """The first number of a tag."""
        values = self.numbers.get(tag)
        return int(values[0]) if values else otherwise

    def places(self) -> list[tuple[int, int]]:
        """(offset, bytes) of its strips or tiles, and of an old JPEG preview."""
        found: list[tuple[int, int]] = []
        for starts, sizes in ((STRIPS, STRIP_BYTES), (TILES, TILE_BYTES), (JPEG_START, JPEG_BYTES)):
            pairs = zip(self.numbers.get(starts, ()), self.numbers.get(sizes, ()), strict=False)
            found += [(int(start), int(size)) for start, size in pairs]
        return found

    def size(self) -> tuple[int, int]:
        """(width, height) in pixels as they are stored."""
        return self.one(WIDTH), self.one(HEIGHT)


@dataclass
class Tree:
    """All directories, in the order in which they are met."""

    directories: list[Directory] = field(default_factory=list)
    torn: bool = False  # a directory, or values of one, lie beyond the end
    size_bytes: int = 0
    order: str = "<"


def read(path: Path) -> Tree:
    """The tree of a file; without directories for what is no TIFF. Never raises for its content."""
    tree = Tree(size_bytes=path.stat().st_size)
    with path.open("rb") as file:
        head = file.read(8)
        if head[:4] not in (b"II*\0", b"MM\0*") or len(head) < 8:
            return tree
        tree.order = "<" if head[:2] == b"II" else ">"
        waiting, seen = [struct.unpack_from(f"{tree.order}I", head, 4)[0]], set[int]()
        while waiting and len(seen) < _MOST_DIRECTORIES:
            place = waiting.pop(0)
            if not place or place in seen:
                continue
            seen.add(place)
            waiting += _directory(file, place, tree)
    return tree


def _directory(file: BinaryIO, place: int, tree: Tree) -> list[int]:
    """Take one directory into the tree; where further ones are."""
    file.seek(place)
    head = file.read(2)
    count = struct.unpack(f"{tree.order}H", head)[0] if len(head) == 2 else 0
    body = file.read(12 * min(count, _MOST_ENTRIES) + 4)
    if not count or count > _MOST_ENTRIES or len(body) < 12 * count:
        tree.torn = True
        return []
    made = Directory()
    for number in range(count):
        tag, kind, many = struct.unpack_from(f"{tree.order}HHI", body, 12 * number)
        if tag in _KEPT and kind in _FORMS:
            _take(file, made, (tag, kind, many), body[12 * number + 8 : 12 * number + 12], tree)
    tree.directories.append(made)
    below = [int(one) for one in made.numbers.get(BELOW, ())][:_MOST_DIRECTORIES]
    rest = body[12 * count :]
    after = struct.unpack(f"{tree.order}I", rest)[0] if len(rest) == 4 else 0
    return [*below, after]


def _take(
    file: BinaryIO, made: Directory, entry: tuple[int, int, int], told: bytes, tree: Tree
) -> None:
    tag, kind, many = entry
    width = struct.calcsize(f"={_FORMS[kind]}") * many
    if many > _MOST_VALUES:
        tree.torn = True
        return
    if width > 4:
        file.seek(struct.unpack(f"{tree.order}I", told)[0])
        told = file.read(width)
    if len(told) < width:
        tree.torn = True
        return
    if kind == 2:
        made.make = told[:width].split(b"\0")[0].decode("latin-1").strip()
        return
    parts = _FORMS[kind]
    values = struct.unpack(f"{tree.order}{len(parts) * many}{parts[0]}", told[:width])
    if len(parts) == 2:
        halves = zip(values[::2], values[1::2], strict=True)
        values = tuple(upper / lower if lower else 0.0 for upper, lower in halves)
    if all(map(math.isfinite, values)):
        made.numbers[tag] = values
