"""Opening a PDF for the Python engines: locked, damaged and oversized files by one policy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from conversions.engines.spec import InputRejected, LimitExceeded

if TYPE_CHECKING:
    from pypdf import PdfReader

MAX_PAGES = 5_000
MAX_SIDE_PT = 14_400
OWNER_LOCK = "The PDF restricts what may be done with it; it opens without a password."


def open_pdf(path: Path, password: str | None) -> tuple[PdfReader, list[str]]:
    """A reader that is unlocked and within the limits, and warnings."""
    from pypdf import PdfReader  # noqa: PLC0415 (imported in the sandboxed child only)
    from pypdf.errors import PyPdfError  # noqa: PLC0415

    warnings: list[str] = []
    try:
        reader = PdfReader(path)
        if reader.is_encrypted:
            _unlock(reader, password, warnings)
        pages = len(reader.pages)
    except MemoryError:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise InputRejected("The PDF is damaged or cut off.", detail=detail) from error
    if pages == 0:
        raise InputRejected("The PDF has no pages.")
    if pages > MAX_PAGES:
        raise LimitExceeded(f"The PDF has {pages} pages; at most {MAX_PAGES} are allowed.")
    return reader, warnings


def _unlock(reader: PdfReader, password: str | None, warnings: list[str]) -> None:
    from pypdf import PasswordType  # noqa: PLC0415

    if reader.decrypt("") is not PasswordType.NOT_DECRYPTED:
        warnings.append(OWNER_LOCK)
    elif not password:
        raise InputRejected("The PDF is locked; a password is needed.", code="file_encrypted")
    elif reader.decrypt(password) is PasswordType.NOT_DECRYPTED:
        raise InputRejected("The password does not open the PDF.", code="password_wrong")
