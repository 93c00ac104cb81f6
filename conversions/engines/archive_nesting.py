"""Archives inside archives: what they would unpack to, without unpacking them."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable

MAX_DEPTH = 3
_MOST_BYTES = 64 << 20
_ZIP = b"PK\x03\x04"


class TooDeep(Exception):
    """Archives lie in archives beyond the limit."""


def measure(data: bytes, count: Callable[[int], None], depth: int = 1) -> None:
    """Tell ``count`` the size of everything in a zip, and of the zips in it.

    Raises TooDeep, and whatever ``count`` raises. What is no zip, or a broken one, is data.
    """
    if not data.startswith(_ZIP):
        return
    if depth > MAX_DEPTH:
        raise TooDeep
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                count(entry.file_size)
                if entry.filename.lower().endswith(".zip") and entry.file_size <= _MOST_BYTES:
                    measure(archive.read(entry), count, depth + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError, OSError):
        return
