"""Facts about office files, by our own reading of their parts with entities forbidden."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inspection.cells import MOST, of_workbook
from inspection.packages import look
from inspection.words import MOST_CHARS, digest

_PART_BYTES = 256 << 20
_FONTS = re.compile(rb'(?:w:ascii|w:hAnsi)="([^"+@]{2,60})"')


def by_hand(path: Path, code: str) -> dict[str, Any]:
    """{words…, and paragraphs/tables/images, slides, or sheets/rows} of an office file."""
    package = look(path)
    if package.fault:
        return {"encrypted": True} if package.fault == "encrypted" else {"fault": package.fault}
    if package.kind != code:
        raise ValueError(f"is {package.kind}")
    with zipfile.ZipFile(path) as archive:
        bad = archive.testzip() if package.unpacked_bytes < 64 << 20 else None
        if bad:
            raise ValueError(f"{bad} is damaged")
        return _READ[code](archive)


def _events(archive: zipfile.ZipFile, part: str) -> Iterator[tuple[str, Any]]:
    """(local name, element) at the end of each element; elements are freed as we go."""
    from defusedxml.ElementTree import iterparse  # noqa: PLC0415

    if archive.getinfo(part).file_size > _PART_BYTES:
        raise ValueError(f"{part} is too large")
    with archive.open(part) as stream:
        for _, element in iterparse(stream, events=("end",), forbid_dtd=True):
            yield element.tag.rpartition("}")[2], element


def _attribute(element: Any, name: str) -> str | None:
    return next((v for k, v in element.attrib.items() if k.rpartition("}")[2] == name), None)


def _fonts(archive: zipfile.ZipFile, *parts: str) -> list[str]:
    found: set[str] = set()
    for part in parts:
        if part in archive.namelist():
            with archive.open(part) as stream:
                found |= {
                    m.decode("utf-8", "replace") for m in _FONTS.findall(stream.read(8 << 20))
                }
    return sorted({name.replace("&apos;", "") for name in found})[:50]


def _docx(archive: zipfile.ZipFile) -> dict[str, Any]:
    pieces: list[str] = []
    counts = {"p": 0, "tbl": 0, "drawing": 0, "pict": 0}
    size = 0
    for tag, element in _events(archive, "word/document.xml"):
        if tag in counts:
            counts[tag] += 1
        is_text = tag == "t" and "wordprocessingml" in element.tag  # formulas have a t as well
        if is_text and element.text and size < MOST_CHARS:
            pieces.append(element.text)
            size += len(element.text)
        elif tag in ("p", "tab", "br", "cr"):
            pieces.append(" ")
        if tag in ("p", "tbl"):
            element.clear()
    known = {
        "paragraphs": counts["p"],
        "tables": counts["tbl"],
        "images": counts["drawing"] + counts["pict"],
        "fonts": _fonts(archive, "word/document.xml"),
    }
    return {**known, **digest("".join(pieces))}


def _numbered(archive: zipfile.ZipFile, pattern: str) -> list[str]:
    found = [(int(m.group(1)), n) for n in archive.namelist() if (m := re.fullmatch(pattern, n))]
    return [name for _, name in sorted(found)]


def _pptx(archive: zipfile.ZipFile) -> dict[str, Any]:
    pieces: list[str] = []
    slides = sum(tag == "sldId" for tag, _ in _events(archive, "ppt/presentation.xml"))
    hidden = pictures = 0
    for part in _numbered(archive, r"ppt/slides/slide(\d+)\.xml"):
        for tag, element in _events(archive, part):
            if tag == "t" and element.text:
                pieces.append(element.text)
            pictures += tag in ("pic", "graphicFrame")
            pieces.append(" " if tag in ("p", "br") else "")
            hidden += tag == "sld" and element.get("show") in ("0", "false")
    known = {"slides": slides, "hidden_slides": hidden, "images": pictures}
    return {**known, **digest("".join(pieces))}


def _is_filled(child: Any) -> bool:
    tag = child.tag.rpartition("}")[2]
    return bool((tag == "v" and child.text) or (tag == "is" and any(child.itertext())))


def _placed(archive: zipfile.ZipFile) -> list[int]:
    """Marks of the texts and plain numbers of all sheets, by column."""
    strings, words = [], []
    if "xl/sharedStrings.xml" in archive.namelist():
        for tag, element in _events(archive, "xl/sharedStrings.xml"):
            words += [element.text or ""] if tag == "t" else []
            if tag == "rPh":
                words.pop() if words else None
            if tag == "si":
                strings.append("".join(words))
                words.clear()
                element.clear()
    marks: list[int] = []
    for part in _numbered(archive, r"xl/worksheets/sheet(\d+)\.xml"):
        marks += of_workbook(_events(archive, part), strings)
    return marks[:MOST]


def _xlsx(archive: zipfile.ZipFile) -> dict[str, Any]:  # noqa: C901 (one pass over a sheet)
    names = [_attribute(e, "name") for t, e in _events(archive, "xl/workbook.xml") if t == "sheet"]
    pieces: list[str] = []
    if "xl/sharedStrings.xml" in archive.namelist():
        for tag, element in _events(archive, "xl/sharedStrings.xml"):
            if tag == "t" and element.text:
                pieces.append(element.text)
            if tag == "si":
                pieces.append("\n")
                element.clear()
    rows, cells, formulas, before = 0, 0, 0, 0
    for part in _numbered(archive, r"xl/worksheets/sheet(\d+)\.xml"):
        for tag, element in _events(archive, part):
            if tag == "c":
                cells += any(_is_filled(child) for child in element)
            formulas += tag == "f"
            if tag == "t" and element.text:
                pieces.append(element.text + "\n")
            if tag == "row":
                rows += cells > before
                before = cells
                element.clear()
    known: dict[str, Any] = {"sheets": len(names), "rows": rows, "cells": cells, "formulas": formulas}
    known["placed"] = _placed(archive)
    return {**known, **digest("".join(pieces))}


def _odf(archive: zipfile.ZipFile) -> dict[str, Any]:
    return _odf_facts(_events(archive, "content.xml"))


def flat(path: Path, code: str) -> dict[str, Any]:
    """The same for flat OpenDocument, which is one XML file."""
    from defusedxml.ElementTree import iterparse  # noqa: PLC0415

    if path.stat().st_size > _PART_BYTES:
        raise ValueError("too large")
    parsed = iterparse(path, events=("end",), forbid_dtd=True)
    return _odf_facts((element.tag.rpartition("}")[2], element) for _, element in parsed)


def _odf_facts(events: Iterator[tuple[str, Any]]) -> dict[str, Any]:
    pieces: list[str] = []
    counts = {"p": 0, "table": 0, "page": 0, "image": 0, "table-row": 0}
    for tag, element in events:
        if tag == "master-styles":  # flat files hold them before the body
            pieces.clear()
        if tag == "binary-data":
            element.clear()
        if tag in counts:
            counts[tag] += 1
        if tag in ("p", "h"):
            pieces.append("".join(element.itertext()))
            pieces.append("\n")
            element.clear()
    known = {
        "paragraphs": counts["p"],
        "tables": counts["table"],
        "slides": counts["page"],
        "sheets": counts["table"],
        "images": counts["image"],
    }
    return {**known, **digest("".join(pieces))}


_READ = {
    **dict.fromkeys(("docx", "docm", "dotx"), _docx),
    **dict.fromkeys(("pptx", "pptm", "potx", "ppsx"), _pptx),
    **dict.fromkeys(("xlsx", "xlsm", "xltx"), _xlsx),
    **dict.fromkeys(("odt", "ods", "odp", "ott", "ots", "otp"), _odf),
}
CODES = tuple(_READ)
