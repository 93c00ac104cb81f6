"""Zip-based files (OOXML, OpenDocument, EPUB, plain zip): what they are and whether they harm.

Only the directory and small parts are read; nothing is unpacked to disk.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from inspection.nesting import hides_bomb

MAX_ENTRIES = 10_000
MAX_UNPACKED = 2_000_000_000
MAX_RATIO = 200
RATIO_FROM = 100_000_000
_PROLOG_BYTES = 4096

Fault = Literal["archive_bomb", "malicious", "encrypted"]

_OOXML = {
    b"wordprocessingml.document.main": "docx",
    b"wordprocessingml.template.main": "dotx",
    b"ms-word.document.macroEnabled.main": "docm",
    b"spreadsheetml.sheet.main": "xlsx",
    b"spreadsheetml.template.main": "xltx",
    b"ms-excel.sheet.macroEnabled.main": "xlsm",
    b"presentationml.presentation.main": "pptx",
    b"presentationml.slideshow.main": "ppsx",
    b"presentationml.template.main": "potx",
    b"ms-powerpoint.presentation.macroEnabled.main": "pptm",
}
_MIMETYPES = {
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
    b"application/vnd.oasis.opendocument.presentation": "odp",
    b"application/vnd.oasis.opendocument.text-template": "ott",
    b"application/vnd.oasis.opendocument.spreadsheet-template": "ots",
    b"application/vnd.oasis.opendocument.presentation-template": "otp",
    b"application/epub+zip": "epub",
}
PACKAGED = frozenset({*_OOXML.values(), *_MIMETYPES.values()})
# A doctype that only names a file is harmless: LibreOffice writes one beside macros and formulas.
_ENTITIES = re.compile(rb"<!ENTITY|<!DOCTYPE[^>]*(\[|:/|\Z)", re.IGNORECASE)
# Books may name letters by entities of their own; files, addresses and other entities are none.
_NO_LETTER = re.compile(
    rb"<!ENTITY\s+(?:%\s*)?\S+\s+(?:SYSTEM|PUBLIC|\"[^\"]*&(?!#)\w+;|'[^']*&(?!#)\w+;)",
    re.IGNORECASE,
)
_EXTERNAL = re.compile(
    rb'TargetMode\s*=\s*["\']External["\']|xlink:href\s*=\s*["\'](?:https?|file|ftp):'
)


XML_PARTS = (".xml", ".rels")
BOOK_PARTS = (*XML_PARTS, ".opf", ".ncx", ".xhtml", ".html", ".svg")


class PackageFault(Exception):
    """The zip's own structure is broken."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """What the directory of a zip tells."""

    kind: str  # docx, dotx, docm, xlsx, …, odt, ott, …, epub or zip
    entries: int
    unpacked_bytes: int
    fault: Fault | None
    has_macros: bool
    has_external: bool


def look(path: Path) -> Package:
    """Judge a zip file; raises BadZipFile, PackageFault or OSError when it can't be read."""
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        try:
            return _judge(archive, size)
        except (NotImplementedError, RuntimeError, ValueError, zlib.error, EOFError) as error:
            raise PackageFault(str(error)) from error


def _judge(archive: zipfile.ZipFile, size: int) -> Package:
    entries = archive.infolist()
    total = sum(entry.file_size for entry in entries)
    names = {entry.filename for entry in entries}
    bomb = len(entries) > MAX_ENTRIES or total > MAX_UNPACKED
    bomb = bomb or (total > RATIO_FROM and total > MAX_RATIO * max(size, 1))
    bomb = bomb or hides_bomb(archive, size)
    kind = "zip" if bomb else _kind(archive, names)
    fault: Fault | None = "archive_bomb" if bomb else None
    external = False
    if not bomb and kind not in ("zip",):
        fault, external = _parts(archive, entries, kind)
    macros = any(name.endswith("vbaProject.bin") or name.startswith("Basic/") for name in names)
    return Package(
        kind=kind,
        entries=len(entries),
        unpacked_bytes=total,
        fault=fault,
        has_macros=macros,
        has_external=external,
    )


def _kind(archive: zipfile.ZipFile, names: set[str]) -> str:
    if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
        declared = archive.read("mimetype").strip()
        if declared in _MIMETYPES:
            return _MIMETYPES[declared]
    if "[Content_Types].xml" in names:
        with archive.open("[Content_Types].xml") as part:
            types = part.read(1 << 20)
        for mark, code in _OOXML.items():
            if mark in types:
                return code
    return "zip"


def _parts(
    archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], kind: str
) -> tuple[Fault | None, bool]:
    """Look at the head of every XML part: entities are declared there or nowhere."""
    external = False
    for entry in entries:
        if entry.flag_bits & 1:
            return "encrypted", external
        name = entry.filename
        if not name.endswith(BOOK_PARTS if kind == "epub" else XML_PARTS):
            continue
        with archive.open(entry) as part:
            head = part.read(_PROLOG_BYTES if not name.endswith(".rels") else 1 << 18)
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            head = head.decode("utf-16", "replace").encode()
        if (_NO_LETTER if kind == "epub" else _ENTITIES).search(head):
            return "malicious", external
        if b"manifest:encryption-data" in head and name == "META-INF/manifest.xml":
            return "encrypted", external
        external = external or bool(_EXTERNAL.search(head) and b"hyperlink" not in head)
    return None, external
