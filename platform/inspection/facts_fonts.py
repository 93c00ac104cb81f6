"""Facts about fonts, by our own reading of their directories: glyphs, family, outlines."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path
from typing import Any

from inspection.font_letters import letters_of

_MOST = 64 << 20
_KNOWN = (
    "cmap head hhea hmtx maxp name OS/2 post cvt  fpgm glyf loca prep CFF  VORG EBDT EBLC gasp "
    "hdmx kern LTSH PCLT VDMX vhea vmtx BASE GDEF GPOS GSUB EBSC JSTF MATH CBDT CBLC COLR CPAL "
    "SVG  sbix acnt avar bdat bloc bsln cvar fdsc feat fmtx fvar gvar hsty just lcar mort morx "
    "opbd prop trak Zapf Silf Glat Gloc Feat Sill"
)
_TAGS = [_KNOWN[place : place + 4].encode() for place in range(0, len(_KNOWN), 5)]
Tables = dict[bytes, bytes]


def by_hand(path: Path, code: str) -> dict[str, Any]:
    """{glyphs, family, outlines, characters-mapped}; every table must lie inside the file."""
    if code == "ttx":
        return _ttx(path)
    data = path.read_bytes()[:_MOST]
    readers = {b"wOFF": _woff, b"wOF2": _woff2}
    tables = readers.get(data[:4], _sfnt)(data)
    glyphs = struct.unpack_from(">H", tables[b"maxp"], 4)[0]
    has_outlines = {b"glyf": "truetype", b"CFF ": "cff", b"CFF2": "cff"}
    kinds = [kind for tag, kind in has_outlines.items() if tables.get(tag)]
    if not glyphs or not kinds or b"cmap" not in tables:
        raise ValueError("no glyphs")
    known = {"glyphs": glyphs, "family": _family(tables[b"name"]), "outlines": kinds[0]}
    return known | letters_of(tables)


def _sfnt(data: bytes) -> Tables:
    count = struct.unpack_from(">H", data, 4)[0]
    found = {}
    for number in range(count):
        tag, _, place, length = struct.unpack_from(">4sIII", data, 12 + 16 * number)
        if place + length > len(data):
            raise ValueError("cut off")
        found[tag] = data[place : place + length]
    return found


def _woff(data: bytes) -> Tables:
    if struct.unpack_from(">I", data, 8)[0] > len(data):
        raise ValueError("cut off")
    found = {}
    for number in range(struct.unpack_from(">H", data, 12)[0]):
        tag, place, packed, length, _ = struct.unpack_from(">4sIIII", data, 44 + 20 * number)
        part = data[place : place + packed]
        found[tag] = zlib.decompressobj().decompress(part, _MOST) if packed < length else part
        if len(found[tag]) != length:
            raise ValueError("cut off")
    return found


def _woff2(data: bytes) -> Tables:
    import brotli  # noqa: PLC0415

    count = struct.unpack_from(">H", data, 12)[0]
    place, entries = 48, []
    for _ in range(count):
        flags, place = data[place], place + 1
        tag = _TAGS[flags & 63] if flags & 63 != 63 else data[place : place + 4]
        place += 4 if flags & 63 == 63 else 0
        length, place = _base128(data, place)
        null = 3 if tag in (b"glyf", b"loca") else 0
        if flags >> 6 != null:
            length, place = _base128(data, place)
        entries.append((tag, length))
    packed = struct.unpack_from(">I", data, 20)[0]
    if place + packed > len(data):
        raise ValueError("cut off")
    body = brotli.decompress(data[place : place + packed])
    found, at = {}, 0
    for tag, length in entries:
        found[tag] = body[at : at + length]
        at += length
    if at != len(body):
        raise ValueError("tables of another length")
    return found


def _base128(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for _ in range(5):
        byte, place = data[place], place + 1
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            break
    return value, place


def _family(names: bytes) -> str:
    count, start = struct.unpack_from(">HH", names, 2)
    best = ""
    for number in range(count):
        platform, _, language, kind, length, place = struct.unpack_from(
            ">HHHHHH", names, 6 + 12 * number
        )
        raw = names[start + place : start + place + length]
        if kind == 1 and raw:
            text = raw.decode("latin-1" if platform == 1 else "utf-16-be", "replace")
            if not best or language == 0x409:
                best = text
    return best


def _ttx(path: Path) -> dict[str, Any]:
    from defusedxml.ElementTree import iterparse  # noqa: PLC0415

    glyphs, family, outlines = 0, "", ""
    for _, element in iterparse(path, forbid_dtd=True):
        if element.tag == "GlyphID":
            glyphs += 1
        elif element.tag == "namerecord" and element.get("nameID") == "1":
            family = family if family and element.get("langID") != "0x409" else _text(element)
        elif element.tag in ("glyf", "CFF"):
            outlines = {"glyf": "truetype", "CFF": "cff"}[element.tag]
        if element.tag not in ("namerecord",):
            element.clear()
    if not glyphs:  # without outlines are those whose letters are pictures
        raise ValueError("no glyphs")
    return {"glyphs": glyphs, "family": family, "outlines": outlines}


def _text(element: Any) -> str:
    return re.sub(r"\s+", " ", element.text or "").strip()
