"""Facts about e-books: title, chapters, words; by our own reading of their parts."""

from __future__ import annotations

import itertools
import posixpath
import struct
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from inspection.facts_markup import text_of_html
from inspection.words import MOST_CHARS, digest

_PART = 32 << 20


def _xml(data: bytes) -> Any:
    from defusedxml.ElementTree import fromstring  # noqa: PLC0415

    return fromstring(data)


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as part:
        return part.read(_PART)


def of_epub(path: Path, code: str) -> dict[str, Any]:
    """{title, language, spine, words…}: every chapter of the spine must be there."""
    with zipfile.ZipFile(path) as archive:
        bad = archive.testzip()
        if bad:
            raise ValueError(f"{bad} is damaged")
        container = _xml(_read(archive, "META-INF/container.xml"))
        place = next(e.get("full-path") for e in container.iter() if _local(e) == "rootfile")
        package = _xml(_read(archive, place))
        items = {e.get("id"): e for e in package.iter() if _local(e) == "item"}
        spine = [e.get("idref") for e in package.iter() if _local(e) == "itemref"]
        titles = [e.text for e in package.iter() if _local(e) == "title" and e.text]
        pieces, size = [], 0
        for one in spine:
            href = unquote(items[one].get("href"))
            name = posixpath.normpath(posixpath.join(posixpath.dirname(place), href))
            text, _ = text_of_html(_read(archive, name).decode("utf-8", "replace"))
            if size < MOST_CHARS:
                pieces.append(text)
                size += len(text)
        pictures = sum((e.get("media-type") or "").startswith("image/") for e in items.values())
    known = {"title": (titles or [""])[0].strip(), "spine": len(spine), "images": pictures}
    return {**known, **digest("\n".join(pieces))}


def of_zipped(path: Path, code: str) -> dict[str, Any]:
    """{words…} of htmlz, txtz and pmlz: one page and its pictures."""
    with zipfile.ZipFile(path) as archive:
        bad = archive.testzip()
        if bad:
            raise ValueError(f"{bad} is damaged")
        ending = {"htmlz": ".html", "txtz": ".txt", "pmlz": ".pml"}[code]
        name = next(name for name in archive.namelist() if name.endswith(ending))
        text = _read(archive, name).decode("utf-8", "replace")
    seen = text_of_html(text)[0] if code == "htmlz" else text
    return digest(seen)


def _unpack(data: bytes) -> bytes:
    """PalmDOC's compression."""
    made = bytearray()
    place = 0
    while place < len(data):
        byte = data[place]
        place += 1
        if 1 <= byte <= 8:
            made += data[place : place + byte]
            place += byte
        elif byte < 0x80:
            made.append(byte)
        elif byte >= 0xC0:
            made += bytes((0x20, byte ^ 0x80))
        elif place < len(data):
            pair = (byte << 8 | data[place]) & 0x3FFF
            place += 1
            distance = pair >> 3
            for _ in range((pair & 7) + 3):
                if not 0 < distance <= len(made):
                    raise ValueError("damaged text")
                made.append(made[-distance])
    return bytes(made)


def _trailing(record: bytes, flags: int) -> bytes:
    """Without the entries that Mobipocket puts behind a record's text."""
    for _ in range(bin(flags >> 1).count("1")):
        size, shift = 0, 0
        for byte in reversed(record[-4:]):
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte & 0x80:
                break
        record = record[: len(record) - size]
    if flags & 1 and record:
        record = record[: len(record) - (record[-1] & 3) - 1]
    return record


def of_palm(path: Path, code: str) -> dict[str, Any]:
    """{title, words…} of mobi, azw3 and PalmDOC pdb; locked books say so."""
    raw = path.read_bytes()
    if raw[60:68] not in (b"BOOKMOBI", b"TEXtREAd"):
        raise ValueError("not a Palm book")
    count = struct.unpack_from(">H", raw, 76)[0]
    starts = [struct.unpack_from(">I", raw, 78 + 8 * n)[0] for n in range(count)]
    starts.append(len(raw))
    if sorted(starts) != starts:
        raise ValueError("cut off")
    records = [raw[a:b] for a, b in itertools.pairwise(starts)]
    head = records[0]
    packing, _, length, texts = struct.unpack_from(">HHIH", head, 0)
    locked = struct.unpack_from(">H", head, 12)[0] if raw[60:68] == b"BOOKMOBI" else 0
    if locked:
        return {"encrypted": True}
    if packing not in (1, 2):
        return {"records": count}  # Huffman: only Kindle's own tools write it
    mobi = head[16:20] == b"MOBI"
    flags = struct.unpack_from(">H", head, 242)[0] if mobi and len(head) >= 244 else 0
    pieces = [_trailing(one, flags) for one in records[1 : texts + 1]]
    text = b"".join(_unpack(one) if packing == 2 else one for one in pieces)
    if len(text) < 0.9 * length:
        raise ValueError("the text ends early")
    encoding = "utf-8" if mobi and struct.unpack_from(">I", head, 28)[0] == 65001 else "cp1252"
    words = text.decode(encoding, "replace")
    known = {"title": raw[:31].split(b"\0")[0].decode("latin-1").replace("_", " ")}
    if mobi:
        at, size = struct.unpack_from(">II", head, 84)
        known["title"] = head[at : at + size].decode("utf-8", "replace")
        known["kf8"] = struct.unpack_from(">I", head, 36)[0] == 8
    return {**known, **digest(text_of_html(words)[0] if mobi else words)}
