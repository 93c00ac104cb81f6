"""How deep a document's markup nests and how long its texts are, by a streaming reader with limits.

Layout takes time that grows with the power of the depth, so that a file of a few kB can hold an
office program for hours. Called inside the sandbox.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.parsers import expat

from defusedxml.ElementTree import ParseError, fromstring

PRELOAD = ("inspection.shape",)
MOST_EVENTS = 100_000  # elements and pieces of text that are looked at: 0.1 s
MOST_BYTES = 16 << 20
_BLOCK = 1 << 16
_DEEP = 1_000  # deep enough to stop looking
_TABLES = ("tbl", "table")
_BODIES = ("word/document.xml", "content.xml")
# Parts in these relations are read, but not laid out: 100,000 levels in one cost LibreOffice 0.3 s.
# Word's styles are most of the markup of a short letter.
_NOT_LAID_OUT = ("styles", "stylesWithEffects", "settings", "webSettings", "fontTable", "theme")
_HTML_TABLE = re.compile(rb"<(/?)table\b", re.IGNORECASE)


class _Enough(Exception):
    pass


class _Meter:
    """Counts for all parts of one document."""

    def __init__(self) -> None:
        self.depth = self.tables = self.longest = 0
        self.left_events, self.left_bytes = MOST_EVENTS, MOST_BYTES
        self._open = self._open_tables = self._text = 0

    def part(self, stream: Any) -> None:
        """One XML part, as far as it is well formed and the budget reaches."""
        reader = expat.ParserCreate()
        reader.ordered_attributes = True  # a list is made faster than a dict
        reader.buffer_text = True  # a text comes in one piece, not in one for each line
        reader.StartElementHandler = self._start
        reader.EndElementHandler = self._end
        reader.CharacterDataHandler = self._words
        self._open = self._open_tables = self._text = 0
        try:
            while (block := stream.read(_BLOCK)) and self.left_bytes > 0:
                self.left_bytes -= len(block)
                reader.Parse(block, False)  # noqa: FBT003 (expat takes positions)
        except expat.ExpatError:
            return  # whoever opens the file says why

    def html(self, text: bytes) -> None:
        """Only tables: the end tags of other elements may be left out."""
        for found in _HTML_TABLE.finditer(text):
            self._open_tables = max(0, self._open_tables + (-1 if found[1] else 1))
            self.tables = max(self.tables, self._open_tables)

    # Called for each of up to 100,000 pieces: whatever can be left out of them is.
    def _start(self, name: str, attributes: list[str]) -> None:
        self._open += 1
        self._text = 0
        if self._open > self.depth:  # noqa: PLR1730 - a call costs more
            self.depth = self._open
        if name.endswith(_TABLES) and name.rpartition(":")[2] in _TABLES:
            self._open_tables += 1
            self.tables = max(self.tables, self._open_tables)
        self.left_events -= 1
        if self.left_events < 0 or self._open > _DEEP:
            raise _Enough

    def _end(self, name: str) -> None:
        self._open -= 1
        self._text = 0
        if name.endswith(_TABLES) and name.rpartition(":")[2] in _TABLES:
            self._open_tables -= 1

    def _words(self, text: str) -> None:
        self._text += len(text)
        if self._text > self.longest:  # noqa: PLR1730
            self.longest = self._text
        self.left_events -= 1
        if self.left_events < 0:
            raise _Enough


def shape(payload: dict[str, Any], report: Callable[[float, str], None]) -> dict[str, int]:
    """{depth, tables, longest_text} of ``{path, format}``: deepest element, most tables within each
    other, characters of the longest text without an element in it. Zeros for what can't be read.
    """
    path, meter = Path(payload["path"]), _Meter()
    try:
        if payload["format"] == "html":
            with path.open("rb") as file:
                meter.html(file.read(MOST_BYTES))
        elif zipfile.is_zipfile(path):
            _package(path, meter)
        else:
            with path.open("rb") as file:
                meter.part(file)
    except (_Enough, zipfile.BadZipFile, zlib.error, OSError, EOFError, *_ODD):
        pass
    return {"depth": meter.depth, "tables": meter.tables, "longest_text": meter.longest}


_ODD = (
    NotImplementedError,
    RuntimeError,
    ValueError,
)  # methods, locks and headers unknown to Python


def _package(path: Path, meter: _Meter) -> None:
    """The main text first, since the budget is for all parts together."""
    with zipfile.ZipFile(path) as archive:
        parts = [one for one in archive.infolist() if one.filename.endswith(".xml")]
        aside = _aside(archive)
        laid_out = [one for one in parts if _part_name(one.filename) not in aside]
        for entry in sorted(laid_out, key=lambda one: one.filename not in _BODIES):
            with archive.open(entry) as stream:
                meter.part(stream)


def _aside(archive: zipfile.ZipFile) -> set[str]:
    """Names of a Word file's parts that are not laid out, by what its relations say of them.

    A part's own name says nothing: a body may be called ``styles.xml``.
    """
    uses: dict[bool, set[str]] = {True: set(), False: set()}
    for entry in archive.infolist():
        if not entry.filename.endswith(".rels") or entry.file_size > _BLOCK:
            continue
        try:
            relations = fromstring(archive.read(entry))
        except ParseError:
            return set()
        for one in relations:
            use = one.get("Type", "").rpartition("/")[2]
            uses[use in _NOT_LAID_OUT].add(_part_name(one.get("Target", "")))
    return uses[True] - uses[False] if "document.xml" in uses[False] else set()


def _part_name(path: str) -> str:
    return unquote(path).rpartition("/")[2].casefold()
