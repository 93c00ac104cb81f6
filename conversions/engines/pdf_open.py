"""Opening PDFs, by pypdf or pikepdf: locked, damaged and oversized files by one policy.

What pikepdf opens has lost its scripts and launch actions: no result carries them on.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conversions.engines.spec import InputRejected, LimitExceeded

if TYPE_CHECKING:
    from pypdf import PdfReader

MAX_PAGES = 5_000
MAX_SIDE_PT = 14_400
OWNER_LOCK = "The PDF restricts what may be done with it; it opens without a password."
DISARMED = "Scripts and launch actions of the PDF were removed."
_ACTIVE = ("/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/GoToE", "/Rendition")


def pikepdf_version() -> str | None:
    """Version of the installed pikepdf."""
    try:
        return importlib.metadata.version("pikepdf")
    except importlib.metadata.PackageNotFoundError:
        return None


def locked(password: str | None, detail: str = "") -> InputRejected:
    """The error for a PDF that this password, or none, does not open."""
    if password:
        text = "The password does not open the PDF."
        return InputRejected(text, code="password_wrong", detail=detail)
    text = "The PDF is locked; a password is needed."
    return InputRejected(text, code="file_encrypted", detail=detail)


def damaged(detail: str) -> InputRejected:
    """The error for a PDF that no reader makes sense of."""
    return InputRejected("The PDF is damaged or cut off.", detail=detail)


def check_count(pages: int) -> None:
    """Refuse a PDF without pages, or with more than anybody needs."""
    if not pages:
        raise InputRejected("The PDF has no pages.")
    if pages > MAX_PAGES:
        raise LimitExceeded(f"The PDF has {pages} pages; at most {MAX_PAGES} are allowed.")


def check_side(points: float, page: str = "A page") -> None:
    """Refuse a page that is longer than any reader draws."""
    if points > MAX_SIDE_PT:
        raise LimitExceeded(f"{page} is {points:.0f} pt long; at most {MAX_SIDE_PT} are allowed.")


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
        raise damaged(f"{type(error).__name__}: {error}") from error
    check_count(pages)
    return reader, warnings


def _unlock(reader: PdfReader, password: str | None, warnings: list[str]) -> None:
    from pypdf import PasswordType  # noqa: PLC0415

    if reader.decrypt("") is not PasswordType.NOT_DECRYPTED:
        warnings.append(OWNER_LOCK)
    elif not password or reader.decrypt(password) is PasswordType.NOT_DECRYPTED:
        raise locked(password)


def open_pike(path: Path, password: str | None, warnings: list[str]) -> Any:
    """An open document within the limits; active content is gone already."""
    import pikepdf  # noqa: PLC0415 (imported in the sandboxed child only)

    try:
        pdf = pikepdf.open(path, password=password or "", allow_overwriting_input=False)
        pages = len(pdf.pages)
    except pikepdf.PasswordError as error:
        raise locked(password) from error
    except (pikepdf.PdfError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise damaged(f"{type(error).__name__}: {error}") from error
    check_count(pages)
    if any(".kids" in warning.lower() or "loop" in warning for warning in pdf.get_warnings()):
        raise InputRejected("The PDF's pages are damaged.")
    _refuse_tangles(pdf)
    _refuse_giants(pdf)
    if _disarm(pdf):
        warnings.append(DISARMED)
    return pdf


def _refuse_tangles(pdf: Any) -> None:
    """A negative count or a ring of parents passes qpdf; no reader opens what it then writes."""
    try:
        if int(pdf.Root.Pages.get("/Count", 0)) < 0:
            raise damaged("negative count")
        sound: set[tuple[int, int]] = set()
        for page in pdf.pages:
            node, climbed = page.obj.get("/Parent"), set()
            while node is not None and node.objgen not in sound:
                if node.objgen in climbed:
                    raise damaged("a ring of parents")
                climbed.add(node.objgen)
                node = node.get("/Parent")
            sound |= climbed
    except (ValueError, TypeError, AttributeError) as error:
        raise damaged(f"{type(error).__name__}: {error}") from error


def _refuse_giants(pdf: Any) -> None:
    for number, page in enumerate(pdf.pages, 1):
        try:
            box = [float(value) for value in page.mediabox]
        except (ValueError, TypeError, AttributeError) as error:
            raise InputRejected(f"Page {number} has no size.", detail=str(error)) from error
        check_side(max(abs(box[2] - box[0]), abs(box[3] - box[1])), f"Page {number}")


def _is_active(action: Any) -> bool:
    try:
        return str(action.get("/S", "")) in _ACTIVE
    except (AttributeError, TypeError, ValueError):
        return False  # a destination: an array or a name


def _disarm(pdf: Any) -> bool:
    """Remove what viewers would run; True when there was any."""
    found = False
    root = pdf.Root
    if "/OpenAction" in root and _is_active(root.OpenAction):
        del root["/OpenAction"]
        found = True
    names = root.get("/Names")
    if names is not None and "/JavaScript" in names:
        del names["/JavaScript"]
        found = True
    holders = [root, *(page.obj for page in pdf.pages)]
    for page in pdf.pages:
        try:
            holders += list(page.obj.get("/Annots", ()))
        except (TypeError, ValueError):
            continue
    disarmed = [_disarm_one(holder) for holder in holders]  # all of them, not only the first
    return found or any(disarmed)


def _disarm_one(holder: Any) -> bool:
    found = False
    try:
        if "/AA" in holder:
            del holder["/AA"]
            found = True
        if "/A" in holder and _is_active(holder["/A"]):
            del holder["/A"]
            found = True
    except (TypeError, ValueError, AttributeError):
        return found
    return found
