"""Whether a text document has comments, which soffice must not draw beside its pages."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path
from typing import IO

_PIECE = 1 << 20
_MOST = 256 << 20
_SIGN_LENGTH = 32  # at most, of what is looked for
_DAMAGED = (OSError, KeyError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error)
_SIGNS = {
    # Pandoc and others write the part without any comment in it.
    **dict.fromkeys(("docx", "docm", "dotx"), re.compile(rb"[<:]comment\s")),
    **dict.fromkeys(("odt", "ott", "fodt"), re.compile(rb"office:annotation")),
    "rtf": re.compile(rb"\\annotation"),
}
_PARTS = {
    **dict.fromkeys(("docx", "docm", "dotx"), "word/comments.xml"),
    **dict.fromkeys(("odt", "ott"), "content.xml"),
}


def has_comments(path: Path, code: str) -> bool:
    """For docx, odt, rtf and their kin; False where it can't be told."""
    if code not in _SIGNS:
        return False
    try:
        if code not in _PARTS:
            with path.open("rb") as file:
                return _holds(file, _SIGNS[code])
        with zipfile.ZipFile(path) as archive, archive.open(_PARTS[code]) as part:
            return _holds(part, _SIGNS[code])
    except _DAMAGED:
        return False  # no such part; or damaged or locked: the reader itself says so


def _holds(file: IO[bytes], sign: re.Pattern[bytes]) -> bool:
    left, tail = _MOST, b""
    while left > 0 and (piece := file.read(_PIECE)):
        if sign.search(tail + piece):
            return True
        left, tail = left - len(piece), piece[-_SIGN_LENGTH:]
    return False
