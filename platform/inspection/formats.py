"""Every format that the platform names: what it reads, writes, or may be given by mistake.

The table itself is ``formats.txt``, one line per format.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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


FORMATS: tuple[Format, ...] = tuple(_rows(_TABLE.read_text(encoding="utf-8")))
BY_CODE: dict[str, Format] = {row.code: row for row in FORMATS}
BY_EXTENSION: dict[str, Format] = {
    name.lower(): row for row in reversed(FORMATS) for name in reversed(row.extensions)
}
BY_MEDIA_TYPE: dict[str, Format] = {
    name: row for row in reversed(FORMATS) for name in reversed(row.media_types)
}


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
