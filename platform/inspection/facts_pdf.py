"""Facts about PDFs: pages, text, blank pages, fonts, locks."""

from __future__ import annotations

import logging
import re
import time
from pathlib import Path
from typing import Any

from inspection import pdfa
from inspection.boxes import boxes_of
from inspection.looks import page_look
from inspection.words import MOST_CHARS, digest

_PAINTED, _PAINT_S, _WIDEST_PT = 12, 3.0, 3000  # of pages that are looked at as pictures
_MOST_PAGES = 200  # pages whose content is looked at


def _library() -> Any:
    """PyMuPDF, quiet and untyped. Its import takes 0.6 s: loaded in the warm parent only."""
    import pymupdf  # noqa: PLC0415

    library: Any = pymupdf
    library.TOOLS.mupdf_display_errors(False)  # noqa: FBT003
    return library


def by_pymupdf(path: Path, code: str) -> dict[str, Any]:
    """By MuPDF: fast, and tells what is painted on a page."""
    pymupdf = _library()

    with pymupdf.open(path, filetype="pdf") as document:
        if document.needs_pass:
            return {"encrypted": True, "needs_password": True}
        return _with_pdfa(_read(document), path)


def _with_pdfa(known: dict[str, Any], path: Path) -> dict[str, Any]:
    """What stands against the PDF/A that a file claims."""
    if "pdfa" in known:
        known["pdfa_faults"] = pdfa.faults(path, known["pdfa"][:1])
    return known


def with_password(path: Path, password: str) -> dict[str, Any]:
    """The same for a locked PDF."""
    pymupdf = _library()

    with pymupdf.open(path, filetype="pdf") as document:
        if document.needs_pass and not document.authenticate(password):
            return {"encrypted": True, "needs_password": True}
        return {**_read(document), "read_by": "pymupdf"}


def _read(document: Any) -> dict[str, Any]:
    pages = document.page_count
    if not pages:
        raise ValueError("no pages")
    parts: list[str] = []
    blank, size, fonts = 0, 0, set()
    looked = min(pages, _MOST_PAGES)
    for number in range(looked):
        page = document[number]
        text = page.get_text("text", sort=False) if size < MOST_CHARS else ""
        if not text and not page.get_bboxlog():  # nothing is painted; that takes a run of the page
            blank += 1
            continue
        fonts |= {font[3].rpartition("+")[2] for font in page.get_fonts()}
        parts.append(text)
        size += len(text)
    first = document[0].rect
    looks = _looks(document)
    boxes, letters = boxes_of(document)
    archive_form = _archive_form(document)
    known = {
        "pages": pages,
        "pages_looked_at": looked,
        "blank_pages": blank,
        "fonts": sorted(fonts)[:100],
        "encrypted": bool(document.metadata.get("encryption")),
        "needs_password": False,
        "width_pt": round(first.width, 2),
        "height_pt": round(first.height, 2),
        "page_looks": looks,
        "letters": letters,
        "boxes": boxes,
    }
    if archive_form:
        known["pdfa"] = archive_form
    return {**known, **digest("\n".join(parts))}


def _looks(document: Any) -> list[dict[str, Any]]:
    """What the first pages look like, painted small; fewer where painting takes long."""
    found: list[dict[str, Any]] = []
    until = time.monotonic() + _PAINT_S
    for number in range(min(document.page_count, _PAINTED)):
        page = document[number]
        if time.monotonic() > until or max(page.rect.width, page.rect.height) > _WIDEST_PT:
            break
        found.append(page_look(page))
    return found


def _archive_form(document: Any) -> str | None:
    """The part and level of PDF/A that the metadata claim, if there is an output intent as well."""
    text = document.get_xml_metadata() or ""
    part, level = (
        re.search(rf"pdfaid:{name}\s*(?:=\s*[\"']|>)\s*(\w)", text)
        for name in ("part", "conformance")
    )
    kind, _ = document.xref_get_key(document.pdf_catalog(), "OutputIntents")
    if not part or not level or kind == "null":
        return None
    return f"{part[1]}{level[1].upper()}"


def by_pypdf(path: Path, code: str) -> dict[str, Any]:
    """By pypdf, when MuPDF gives up."""
    from pypdf import PasswordType, PdfReader  # noqa: PLC0415

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = PdfReader(path)
    if reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED:
        return {"encrypted": True, "needs_password": True}
    pages = len(reader.pages)
    text = "\n".join(reader.pages[n].extract_text() for n in range(min(pages, _MOST_PAGES)))
    known = {"pages": pages, "encrypted": reader.is_encrypted, "needs_password": False}
    return {**known, **digest(text)}
