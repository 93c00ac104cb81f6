"""Before a Python reader opens an office package: is it one, and is it harmless to unpack?"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from conversions.engines.spec import InputRejected
from inspection.packages import PackageFault, look

_CODES = {
    "archive_bomb": "The file unpacks to far more than its size and was refused.",
    "malicious": "The file declares XML entities, which office files never need.",
    "encrypted": "The document is locked; a password is needed.",
    "damaged": "The file is damaged or cut off.",
}
_JOB_CODES = {
    "archive_bomb": "archive_bomb",
    "malicious": "file_malicious",
    "encrypted": "file_encrypted",
}


def open_package(path: Path) -> None:
    """Raise InputRejected unless the zip package may be read."""
    try:
        fault = look(path).fault
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError) as error:
        raise InputRejected(_CODES["damaged"], detail=str(error)) from error
    except PackageFault as error:
        raise InputRejected(_CODES["damaged"], detail=str(error)) from error
    if fault:
        raise InputRejected(_CODES[fault], code=_JOB_CODES.get(fault, "file_corrupt"))
