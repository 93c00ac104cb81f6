"""Microsoft's compound files (doc, xls, ppt, msg, locked OOXML): which streams they name."""

from __future__ import annotations

import struct
from pathlib import Path

_END = 0xFFFFFFFA  # sector numbers from here on are marks
_MOST_SECTORS = 2_000


def _directory(path: Path) -> bytes:
    with path.open("rb") as file:
        header = file.read(512)
        size = 1 << min(struct.unpack_from("<H", header, 30)[0], 12)
        sector = struct.unpack_from("<I", header, 48)[0]
        tables = [n for n in struct.unpack_from("<109I", header, 76) if n < _END]
        made = b""
        seen: set[int] = set()
        while sector < _END and sector not in seen and len(seen) < _MOST_SECTORS:
            seen.add(sector)
            file.seek((sector + 1) * size)
            made += file.read(size)
            table, place = divmod(sector, size // 4)
            if table >= len(tables):
                break
            file.seek((tables[table] + 1) * size + place * 4)
            following = file.read(4)
            if len(following) < 4:
                break
            sector = struct.unpack("<I", following)[0]
        return made


def kind_of(path: Path) -> str | None:
    """doc, xls, ppt, msg or ``encrypted_ooxml``; None when no known stream is there."""
    try:
        directory = _directory(path)
    except (struct.error, OSError):
        return None
    names = set()
    for place in range(0, len(directory) - 127, 128):
        length = min(struct.unpack_from("<H", directory, place + 64)[0], 64)
        names.add(directory[place : place + max(0, length - 2)].decode("utf-16-le", "replace"))
    table = (
        ("EncryptedPackage", "encrypted_ooxml"),
        ("WordDocument", "doc"),
        ("Workbook", "xls"),
        ("Book", "xls"),
        ("PowerPoint Document", "ppt"),
        ("__properties_version1.0", "msg"),
    )
    return next((code for name, code in table if name in names), None)
