"""Opening and writing PDFs by pikepdf for the operations: locks, limits, no active content."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

from conversions.engines.spec import EngineCall, InputRejected, LimitExceeded

MAX_PAGES = 5_000
MAX_SIDE_PT = 14_400
_ACTIVE = ("/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/GoToE", "/Rendition")


def find_version() -> str | None:
    """Version of the installed pikepdf."""
    try:
        return importlib.metadata.version("pikepdf")
    except importlib.metadata.PackageNotFoundError:
        return None


def open_pike(path: Path, password: str | None, warnings: list[str]) -> Any:
    """An open document within the limits; active content is gone already."""
    import pikepdf  # noqa: PLC0415 (imported in the sandboxed child only)

    try:
        pdf = pikepdf.open(path, password=password or "", allow_overwriting_input=False)
        pages = len(pdf.pages)
    except pikepdf.PasswordError as error:
        if password:
            raise InputRejected(
                "The password does not open the PDF.", code="password_wrong"
            ) from error
        text = "The PDF is locked; a password is needed."
        raise InputRejected(text, code="file_encrypted") from error
    except (pikepdf.PdfError, ValueError, KeyError, TypeError, RuntimeError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise InputRejected("The PDF is damaged or cut off.", detail=detail) from error
    if pages == 0:
        raise InputRejected("The PDF has no pages.")
    if pages > MAX_PAGES:
        raise LimitExceeded(f"The PDF has {pages} pages; at most {MAX_PAGES} are allowed.")
    _refuse_giants(pdf)
    if _disarm(pdf):
        warnings.append("Scripts and launch actions of the PDF were removed.")
    return pdf


def _refuse_giants(pdf: Any) -> None:
    for number, page in enumerate(pdf.pages, 1):
        try:
            box = [float(value) for value in page.mediabox]
        except (ValueError, TypeError, AttributeError) as error:
            raise InputRejected(f"Page {number} has no size.", detail=str(error)) from error
        if max(abs(box[2] - box[0]), abs(box[3] - box[1])) > MAX_SIDE_PT:
            raise LimitExceeded(f"Page {number} is larger than {MAX_SIDE_PT} pt per side.")


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


def save(pdf: Any, target: Path, call: EngineCall, **more: Any) -> None:
    """Write; progress is pikepdf's own, told within the last tenth."""
    pdf.save(
        target, progress=lambda percent: call.progress(0.9 + percent / 1000, "writing"), **more
    )
