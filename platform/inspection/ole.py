"""Microsoft's compound files (doc, xls, ppt, msg, locked OOXML): which streams they name."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

_END = 0xFFFFFFFA  # sector numbers from here on are marks
_MOST_SECTORS = 2_000
_SMALL = 4_096  # streams below this lie in another stream
_FILEPASS = 0x2F
WORD_95, WORD_97 = 104, 193  # nFib


class _File:
    """The header, the directory's entries and the first bytes of streams."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            header = file.read(512)
        self.size = 1 << min(struct.unpack_from("<H", header, 30)[0], 12)
        self.first = struct.unpack_from("<I", header, 48)[0]
        self.tables = [n for n in struct.unpack_from("<109I", header, 76) if n < _END]
        self.streams = dict(self._entries())

    def _directory(self) -> bytes:
        sector, made = self.first, b""
        seen: set[int] = set()
        with self.path.open("rb") as file:
            while sector < _END and sector not in seen and len(seen) < _MOST_SECTORS:
                seen.add(sector)
                file.seek((sector + 1) * self.size)
                made += file.read(self.size)
                table, place = divmod(sector, self.size // 4)
                if table >= len(self.tables):
                    break
                file.seek((self.tables[table] + 1) * self.size + place * 4)
                following = file.read(4)
                if len(following) < 4:
                    break
                sector = struct.unpack("<I", following)[0]
        return made

    def _entries(self) -> Iterator[tuple[str, tuple[int, int]]]:
        """Name, first sector and bytes of each stream and folder."""
        directory = self._directory()
        for place in range(0, len(directory) - 127, 128):
            length = min(struct.unpack_from("<H", directory, place + 64)[0], 64)
            name = directory[place : place + max(0, length - 2)].decode("utf-16-le", "replace")
            yield name, struct.unpack_from("<II", directory, place + 116)

    def head(self, name: str) -> bytes:
        """The first sector of a stream; empty for the small ones, which lie elsewhere."""
        sector, length = self.streams.get(name, (_END, 0))
        if sector >= _END or length < _SMALL:
            return b""
        with self.path.open("rb") as file:
            file.seek((sector + 1) * self.size)
            return file.read(min(self.size, length))


def _opened(path: Path) -> _File | None:
    try:
        return _File(path)
    except (struct.error, OSError):
        return None


def kind_of(path: Path) -> str | None:
    """doc, xls, ppt, msg or ``encrypted_ooxml``; None when no known stream is there."""
    names: Iterable[str] = found.streams if (found := _opened(path)) else ()
    table = (
        ("EncryptedPackage", "encrypted_ooxml"),
        ("WordDocument", "doc"),
        ("Workbook", "xls"),
        ("Book", "xls"),
        ("PowerPoint Document", "ppt"),
        ("__properties_version1.0", "msg"),
    )
    found_names = {name.casefold() for name in names}  # some writers write them in capitals
    return next((code for name, code in table if name.casefold() in found_names), None)


def word_version(path: Path) -> int | None:
    """nFib of a Word document: below WORD_95 it is of Word 6 or older."""
    head = found.head("WordDocument") if (found := _opened(path)) else b""
    return int(struct.unpack_from("<H", head, 2)[0]) if len(head) >= 12 else None


def is_locked(path: Path) -> bool:
    """Whether an old Word, Excel or PowerPoint file needs a password to be read."""
    found = _opened(path)
    if found is None:
        return False
    word = found.head("WordDocument")
    if len(word) >= 12 and struct.unpack_from("<H", word, 10)[0] & 0x0100:
        return True
    if "EncryptedSummary" in found.streams and "PowerPoint Document" in found.streams:
        return True
    return _has_filepass(found.head("Workbook") or found.head("Book"))


def _has_filepass(book: bytes) -> bool:
    """FILEPASS stands among the first records (MS-XLS 2.1.7.20.3), after BOF and WRITEPROTECT."""
    place = 0
    for _ in range(8):
        if place + 4 > len(book):
            return False
        kind, size = struct.unpack_from("<HH", book, place)
        if kind == _FILEPASS:
            return True
        place += 4 + size
    return False
