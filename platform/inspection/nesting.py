"""Archives inside of archives: what a zip would come to if somebody unpacked it to the bottom."""

from __future__ import annotations

import io
import zipfile

MAX_DEPTH = 3
MAX_UNPACKED = 2_000_000_000
MAX_RATIO, RATIO_FROM = 200, 100_000_000
LOOKED_AT = 64 << 20  # bytes of inner archives that are read to judge them
_ZIP = b"PK\x03\x04"


def hides_bomb(archive: zipfile.ZipFile, packed: int) -> bool:
    """Whether the zips within unpack to too much, or lie too deep. Only directories are read."""
    budget = [LOOKED_AT]
    total, depth = _weigh(archive, budget, 1)
    large = total > RATIO_FROM and total > MAX_RATIO * max(packed, 1)
    return depth > MAX_DEPTH or total > MAX_UNPACKED or large


def _weigh(archive: zipfile.ZipFile, budget: list[int], depth: int) -> tuple[int, int]:
    """Bytes at the bottom and the deepest level, as far as the budget lets us look."""
    total, deepest = 0, depth
    for entry in archive.infolist():
        inner = _inner(archive, entry, budget) if depth <= MAX_DEPTH else None
        if inner is None:
            total += entry.file_size
            continue
        with inner:
            below, level = _weigh(inner, budget, depth + 1)
        total, deepest = total + below, max(deepest, level)
    return total, deepest


def _inner(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: list[int]
) -> zipfile.ZipFile | None:
    """The zip that an entry is; None when it is none, is locked, or the budget is spent."""
    named = entry.filename.lower().endswith(".zip")
    if not named or entry.flag_bits & 1 or not 22 <= entry.file_size <= budget[0]:
        return None
    with archive.open(entry) as reader:
        content = reader.read(entry.file_size)
    budget[0] -= len(content)
    if not content.startswith(_ZIP):
        return None
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile:
        return None
