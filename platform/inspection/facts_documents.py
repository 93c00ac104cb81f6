"""Facts about office files, by our own reading of their parts with entities forbidden."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inspection.cells import MOST, of_workbook
from inspection.packages import look
from inspection.words import MOST_CHARS, digest, digest_of_values

_PART_BYTES = 256 << 20
_BOTH = ("start", "end")
# Comments, hints of cells, and letters bent into a shape are no text of the page.
_ASIDE = frozenset({"<annotation", "<content-validation", "<custom-shape"})
# Fields that each program fills again when it opens the file.
_COUNTED_ANEW = frozenset(
    {"user-field-get", "chapter", "page-number", "page-count", "date", "time"}
)
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


def _events(
    archive: zipfile.ZipFile, part: str, *, starts: bool = False
) -> Iterator[tuple[str, Any]]:
    """(local name, element) at the end of each element; elements are freed as we go.

    With ``starts``, also ("<name", element) at its start.
    """
    from defusedxml.ElementTree import iterparse  # noqa: PLC0415

    if archive.getinfo(part).file_size > _PART_BYTES:
        raise ValueError(f"{part} is too large")
    with archive.open(part) as stream:
        yield from _parsed(iterparse(stream, events=_BOTH if starts else ("end",), forbid_dtd=True))


def _parsed(events: Any) -> Iterator[tuple[str, Any]]:
    for event, element in events:
        yield ("<" if event == "start" else "") + element.tag.rpartition("}")[2], element


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
    aside = digest(_notes(archive))
    known = {
        "aside": aside["words"],
        "aside_count": aside["word_count"],
        "paragraphs": counts["p"],
        "tables": counts["tbl"],
        "images": counts["drawing"] + counts["pict"],
        "fonts": _fonts(archive, "word/document.xml"),
    }
    return {**known, **digest("".join(pieces))}


def _notes(archive: zipfile.ZipFile) -> str:
    """Foot- and endnotes, which stand in parts of their own."""
    parts = {"word/footnotes.xml", "word/endnotes.xml"} & set(archive.namelist())
    pieces: list[str] = []
    for tag, element in (event for part in sorted(parts) for event in _events(archive, part)):
        if tag == "t" and element.text:
            pieces.append(element.text)
        elif tag in ("p", "tab", "br"):
            pieces.append(" ")
    return "".join(pieces)[:MOST_CHARS]


def _numbered(archive: zipfile.ZipFile, pattern: str) -> list[str]:
    found = [(int(m.group(1)), n) for n in archive.namelist() if (m := re.fullmatch(pattern, n))]
    return [name for _, name in sorted(found)]


def _is_drawn(body: Any) -> bool:
    """Whether the text is bent into a shape: such letters are printed as outlines."""
    warps = (one.get("prst") for one in body.iter() if one.tag.endswith("}prstTxWarp"))
    return any(warp != "textNoShape" for warp in warps)


def _paragraphs(body: Any) -> Iterator[str]:
    for element in body.iter():
        tag = element.tag.rpartition("}")[2]
        if tag in ("p", "br"):
            yield " "
        elif tag == "t" and element.text:
            yield element.text


def _pptx(archive: zipfile.ZipFile) -> dict[str, Any]:
    pieces: list[str] = []
    slides = sum(tag == "sldId" for tag, _ in _events(archive, "ppt/presentation.xml"))
    hidden = pictures = 0
    for part in _numbered(archive, r"ppt/slides/slide(\d+)\.xml"):
        for tag, element in _events(archive, part):
            if tag == "txBody" and _is_drawn(element):
                pictures += 1
            elif tag == "txBody":
                pieces += _paragraphs(element)
            pictures += tag in ("pic", "graphicFrame")
            hidden += tag == "sld" and element.get("show") in ("0", "false")
    known = {"slides": slides, "hidden_slides": hidden, "images": pictures}
    return {**known, **digest("".join(pieces))}


def _kinds_of_sheets(archive: zipfile.ZipFile) -> tuple[int, int]:
    """How many sheets of cells, and of charts or macros."""
    kinds: dict[str | None, str] = {}
    for tag, element in _events(archive, "xl/_rels/workbook.xml.rels"):
        if tag == "Relationship":
            kinds[element.get("Id")] = str(element.get("Type")).rpartition("/")[2]
    named = [_attribute(e, "id") for t, e in _events(archive, "xl/workbook.xml") if t == "sheet"]
    cells = sum(kinds.get(one, "worksheet") == "worksheet" for one in named)
    return cells, len(named) - cells


def _keeps_from_print(archive: zipfile.ZipFile) -> bool:
    return any(
        (tag == "sheet" and element.get("state") in ("hidden", "veryHidden"))
        or (tag == "definedName" and element.get("name") == "_xlnm.Print_Area")
        for tag, element in _events(archive, "xl/workbook.xml")
    )


def _shared_strings(archive: zipfile.ZipFile) -> list[str]:
    """Texts that cells point to; of runs only the text itself, not its reading (``rPh``)."""
    found: list[str] = []
    if "xl/sharedStrings.xml" not in archive.namelist():
        return found
    for tag, element in _events(archive, "xl/sharedStrings.xml"):
        if tag == "rPh":
            element.clear()
        elif tag == "si":
            found.append("".join(t.text or "" for t in element.iter() if t.tag.endswith("}t")))
            element.clear()
    return found


def _cell(element: Any, shared: list[str]) -> str:
    """What a cell shows, unformatted; empty when it is."""
    kind = element.get("t")
    if kind == "inlineStr":
        return "".join(one.text or "" for one in element.iter() if one.tag.endswith("}t"))
    value = next((c.text for c in element if c.tag.endswith("}v") and c.text), "")
    if kind == "s" and value:
        return shared[int(value)] if int(value) < len(shared) else ""
    return ("FALSE", "TRUE")[value == "1"] if kind == "b" and value else value


def _placed(archive: zipfile.ZipFile, shared: list[str]) -> dict[str, list[int]]:
    """{placed: marks of the texts and plain numbers of all sheets, formatted: of the others}."""
    known: dict[str, list[int]] = {"placed": [], "formatted": []}
    cells = 0
    for part in _numbered(archive, r"xl/worksheets/sheet(\d+)\.xml"):
        plain, formatted, more = of_workbook(_events(archive, part), shared, MOST - cells)
        cells += more
        known["placed"] += plain
        known["formatted"] += formatted
    return known


def _xlsx(archive: zipfile.ZipFile) -> dict[str, Any]:
    sheets, charts = _kinds_of_sheets(archive)
    shared, pieces, size = _shared_strings(archive), list[str](), 0
    rows, cells, formulas, before, hidden = 0, 0, 0, 0, False
    for part in _numbered(archive, r"xl/worksheets/sheet(\d+)\.xml"):
        for tag, element in _events(archive, part):
            formulas += tag == "f"
            hidden = hidden or (tag in ("row", "col") and element.get("hidden") in ("1", "true"))
            if tag == "c" and (text := _cell(element, shared)):
                cells += 1
                size += len(text)
                if size < MOST_CHARS:
                    pieces.append(text)
            if tag == "row":
                rows += cells > before
                before = cells
                element.clear()
    known: dict[str, Any] = {"sheets": sheets, "rows": rows, "cells": cells}
    known |= {"formulas": formulas, **_placed(archive, shared)}
    known |= {"chart_sheets": charts} if charts else {}
    known |= {"unprinted": True} if hidden or _keeps_from_print(archive) else {}
    return {**known, **digest_of_values(pieces)}


def _odf(archive: zipfile.ZipFile) -> dict[str, Any]:
    return _odf_facts(_events(archive, "content.xml", starts=True))


def flat(path: Path, code: str) -> dict[str, Any]:
    """The same for flat OpenDocument, which is one XML file."""
    from defusedxml.ElementTree import iterparse  # noqa: PLC0415

    if path.stat().st_size > _PART_BYTES:
        raise ValueError("too large")
    return _odf_facts(_parsed(iterparse(path, events=_BOTH, forbid_dtd=True)))


def _without_caches(events: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Ends of elements, without tables that only keep what other files said (``ta_extref``)."""
    inside = 0
    for tag, element in events:
        if tag == "<table" and (inside or _attribute(element, "style-name") == "ta_extref"):
            inside += 1
        if not inside and (not tag.startswith("<") or tag in _ASIDE):
            yield tag, element
        if tag == "table" and inside:
            inside -= 1


def _is_bent(shape: Any) -> bool:
    return any(_attribute(one, "text-path") == "true" for one in shape)


def _set_aside(tag: str, element: Any, pieces: list[str], begun: list[int]) -> bool:
    """Forget what is no text of the page; whether it was letters bent into a shape."""
    if tag in _ASIDE:
        begun.append(len(pieces))
    elif f"<{tag}" in _ASIDE and begun:
        start, shape = begun.pop(), tag == "custom-shape"
        if not shape or _is_bent(element):
            del pieces[start:]
            element[:], element.text = [], None  # who said it, and when
            return shape
    elif tag in _COUNTED_ANEW:
        element.text = None
    return False


def _odf_facts(events: Iterator[tuple[str, Any]]) -> dict[str, Any]:
    pieces: list[str] = []
    counts = {"p": 0, "table": 0, "page": 0, "image": 0, "table-row": 0}
    unprinted = False
    begun: list[int] = []
    for tag, element in _without_caches(events):
        counts["image"] += _set_aside(tag, element, pieces, begun)
        if tag == "table":
            limited = _attribute(element, "print-ranges") is not None
            unprinted = unprinted or limited or _attribute(element, "print") == "false"
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
    known: dict[str, Any] = {
        "paragraphs": counts["p"],
        "tables": counts["table"],
        "slides": counts["page"],
        "sheets": counts["table"],
        "images": counts["image"],
    }
    known |= {"unprinted": True} if unprinted else {}
    return {**known, **digest("".join(pieces))}


_READ = {
    **dict.fromkeys(("docx", "docm", "dotx"), _docx),
    **dict.fromkeys(("pptx", "pptm", "potx", "ppsx"), _pptx),
    **dict.fromkeys(("xlsx", "xlsm", "xltx"), _xlsx),
    **dict.fromkeys(("odt", "ods", "odp", "ott", "ots", "otp"), _odf),
}
CODES = tuple(_READ)
