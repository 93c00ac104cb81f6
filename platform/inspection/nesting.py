"""Archives inside of archives: what a zip would come to if somebody unpacked it to the bottom."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass

MAX_DEPTH = 3
MAX_UNPACKED = 2_000_000_000
MAX_RATIO, RATIO_FROM = 200, 100_000_000
LOOKED_AT = 64 << 20  # bytes of inner archives that are read to judge them
_ZIP = b"PK\x03\x04"
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, NotImplementedError),
    *(RuntimeError, EOFError, OSError),
)


@dataclass(frozen=True)
class Weight:
    """What lies at the bottom: bytes, entries on the way, and the deepest level (from 1)."""

    size: int = 0
    entries: int = 0
    depth: int = 1

    def plus(self, other: Weight) -> Weight:
        """Both together."""
        entries, depth = self.entries + other.entries, max(self.depth, other.depth)
        return Weight(self.size + other.size, entries, depth)


def hides_bomb(archive: zipfile.ZipFile, packed: int) -> bool:
    """Whether the zips within unpack to too much, or lie too deep. Only directories are read."""
    found = _weigh(archive, [LOOKED_AT], 1)
    large = found.size > RATIO_FROM and found.size > MAX_RATIO * max(packed, 1)
    return found.depth > MAX_DEPTH or found.size > MAX_UNPACKED or large


def weigh_bytes(content: bytes) -> Weight | None:
    """The weight of a zip that is held in memory; None for what is no zip, or a broken one."""
    try:
        archive = _opened(content)
    except _BROKEN:
        return None
    if archive is None:
        return None
    with archive:
        return _weigh(archive, [LOOKED_AT], 1)


def _weigh(archive: zipfile.ZipFile, budget: list[int], depth: int) -> Weight:
    """As far as the budget of bytes lets us look, and one level beyond the limit."""
    total = Weight(depth=depth)
    for entry in archive.infolist():
        total = total.plus(Weight(0, 1, depth))
        inner = _inner(archive, entry, budget) if depth <= MAX_DEPTH else None
        if inner is None:
            total = total.plus(Weight(entry.file_size, 0, depth))
            continue
        with inner:
            total = total.plus(_weigh(inner, budget, depth + 1))
    return total


def _inner(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: list[int]
) -> zipfile.ZipFile | None:
    """The zip that an entry is; None when it is none, is locked, or the budget is spent."""
    named = entry.filename.lower().endswith(".zip")
    if not named or entry.flag_bits & 1 or not 22 <= entry.file_size <= budget[0]:
        return None
    try:
        with archive.open(entry) as reader:
            content = reader.read(entry.file_size)
        budget[0] -= len(content)
        return _opened(content)
    except _BROKEN:
        return None


def _opened(content: bytes) -> zipfile.ZipFile | None:
    return zipfile.ZipFile(io.BytesIO(content)) if content.startswith(_ZIP) else None
