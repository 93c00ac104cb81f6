"""Whether a text document has comments, which soffice must not draw beside its pages."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO

_PIECE = 1 << 20
_MOST = 256 << 20
_SIGNS = {
    **dict.fromkeys(("odt", "ott", "fodt"), b"office:annotation"),
    "rtf": b"\\annotation",
}


def has_comments(path: Path, code: str) -> bool:
    """For docx, odt, rtf and their kin; False where it can't be told."""
    try:
        if code in ("docx", "docm", "dotx"):
            with zipfile.ZipFile(path) as archive:
                return "word/comments.xml" in archive.namelist()
        if code in ("odt", "ott"):
            with zipfile.ZipFile(path) as archive, archive.open("content.xml") as part:
                return _holds(part, _SIGNS[code])
        if code in _SIGNS:
            with path.open("rb") as file:
                return _holds(file, _SIGNS[code])
    except (OSError, KeyError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
        pass  # damaged or locked: the reader itself says so
    return False


def _holds(file: IO[bytes], sign: bytes) -> bool:
    left, tail = _MOST, b""
    while left > 0 and (piece := file.read(_PIECE)):
        if sign in tail + piece:
            return True
        left, tail = left - len(piece), piece[-len(sign) :]
    return False
