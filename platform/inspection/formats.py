"""Every format that the platform names: what it reads, writes, or may be given by mistake.

The table itself is ``formats.txt``, one line per format; engines may ``add`` formats of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

Family = Literal[
    "document",
    "markup",
    "spreadsheet",
    "presentation",
    "image",
    "vector",
    "audio",
    "video",
    "archive",
    "ebook",
    "font",
    "subtitle",
    "data",
    "email",
    "other",
]
_TABLE = Path(__file__).with_name("formats.txt")


@dataclass(frozen=True, kw_only=True)
class Format:
    """One format. The first extension and media type are the ones we write."""

    code: str
    name: str
    family: Family
    extensions: tuple[str, ...]
    media_types: tuple[str, ...]
    magic: str = ""  # as in the table: hex, or 'text', perhaps after @offset
    same_bytes_as: str | None = None  # only the name tells it from that other format
    reader: str | None = None  # module:function(path, code) → facts; of formats that were added


def _rows(text: str) -> Iterator[Format]:
    families: dict[str, Family] = {family: family for family in get_args(Family)}
    family: Family = "other"
    for line in text.splitlines():
        if line.startswith("["):
            family = families[line.strip("[]")]
        elif line and not line.startswith("#"):
            code, name, extensions, media_types, magic = (
                part.strip() for part in f"{line} ".split(" | ")
            )
            twin = magic.removeprefix("=") if magic.startswith("=") else None
            yield Format(
                code=code,
                name=name,
                family=family,
                extensions=tuple(extensions.split()),
                media_types=tuple(media_types.split()),
                magic="" if twin else magic,
                same_bytes_as=twin,
            )


FORMATS: list[Format] = []
BY_CODE: dict[str, Format] = {}
BY_EXTENSION: dict[str, Format] = {}
BY_MEDIA_TYPE: dict[str, Format] = {}
ADDED: list[Format] = []  # brought by engines, after the table


def _know(row: Format) -> None:
    """Earlier rows keep the names that they have."""
    FORMATS.append(row)
    BY_CODE.setdefault(row.code, row)
    for name in row.extensions:
        BY_EXTENSION.setdefault(name.lower(), row)
    for name in row.media_types:
        BY_MEDIA_TYPE.setdefault(name, row)


for _row in _rows(_TABLE.read_text(encoding="utf-8")):
    _know(_row)


def add(text: str, readers: Mapping[str, str]) -> None:
    """Rows of formats that an engine brings, as in the table; what is known already stays."""
    for row in _rows(text):
        if row.code not in BY_CODE:
            made = replace(row, reader=readers.get(row.code))
            ADDED.append(made)
            _know(made)


def added_format(head: bytes, declared: str | None) -> str | None:
    """An added format by its mark, or by its name where it is a text without one."""
    plain = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for row in ADDED:
        offset, mark = _mark(row.magic)
        text = row.magic.startswith("'")
        if mark and (plain if text else head[offset:]).startswith(mark):
            return row.code
    named = BY_CODE.get(declared or "")
    bare = named in ADDED and named is not None and not named.magic and not named.same_bytes_as
    return named.code if bare and named and b"\0" not in head else None


def _mark(magic: str) -> tuple[int, bytes]:
    """(offset, bytes) of a mark as it is written in the table."""
    place, _, rest = magic.partition("'") if "'" in magic else magic.partition(" ")
    offset = int(place.strip().removeprefix("@") or 0) if magic.startswith("@") else 0
    if "'" in magic:
        return offset, rest.removesuffix("'").encode()
    return offset, bytes.fromhex(rest if magic.startswith("@") else magic)


def canonical(code: str) -> str | None:
    """The one code of a format, from any spelling of it (``JPEG``, ``.tif``); None if unknown."""
    word = code.strip().lower().removeprefix(".")
    if word in BY_CODE:
        return word
    row = BY_EXTENSION.get(word)
    return row.code if row else None


def by_filename(filename: str) -> Format | None:
    """What a name claims to be: by its longest known extension (``tar.gz`` before ``gz``)."""
    parts = filename.lower().split(".")[1:]
    endings = (".".join(parts[-count:]).strip() for count in (2, 1) if len(parts) >= count)
    return next((BY_EXTENSION[name] for name in endings if name in BY_EXTENSION), None)


def twins(code: str) -> frozenset[str]:
    """Formats whose bytes can't be told from this one's, itself among them."""
    row = BY_CODE.get(code)
    root = row.same_bytes_as or code if row else code
    return frozenset({root, *(other.code for other in FORMATS if other.same_bytes_as == root)})
