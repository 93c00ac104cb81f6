"""What encoding a text file is in, from its first part."""

from __future__ import annotations

import codecs
import re
import unicodedata
from pathlib import Path

from chardetng_py import EncodingDetector

HEAD_BYTES = 256 * 1024
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Names of the web's standard → Python's codec for what Windows writes under them.
_WIDER = {
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "big5": "cp950",
    "ibm866": "cp866",
    "iso-8859-8-i": "iso8859-8",
    "x-mac-cyrillic": "mac_cyrillic",
    **dict.fromkeys(("replacement", "x-user-defined", "utf-8"), "cp1252"),
}
_SAYS = re.compile(
    rb"""(?i)(?:\A\s*<\?xml[^>]*encoding=|<meta[^>]*charset=)\s*["']?\s*([\w.:-]+)"""
)
_XML_SAYS = re.compile(r"""\A(\s*<\?xml[^>]*?)\s+encoding\s*=\s*(?:"[^"]*"|'[^']*')""")


def read_head(path: Path, size: int = HEAD_BYTES) -> bytes:
    """The first bytes of a file."""
    with path.open("rb") as file:
        return file.read(size)


def _decodes(data: bytes, encoding: str) -> str | None:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        return decoder.decode(data)
    except (UnicodeDecodeError, UnicodeError):
        return None


def encoding_of(data: bytes) -> str | None:
    """Encoding of text bytes; None when they are no text that we know."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return name
    if b"\x00" in data:
        even, odd = data[0::2].count(0), data[1::2].count(0)
        if max(even, odd) * 3 > len(data) and min(even, odd) * 20 < max(even, odd):
            return "utf-16-le" if odd > even else "utf-16-be"
        return None
    if _decodes(data, "utf-8") is not None:
        return "utf-8"
    return _declared(data) or _legacy(data)


def _declared(data: bytes) -> str | None:
    """What the head of an XML file or web page says, where the bytes are that."""
    found = _SAYS.search(data[:1024])
    try:
        name = codecs.lookup(found[1].decode("ascii")).name if found else ""
    except (LookupError, UnicodeDecodeError):
        return None
    name = {"iso8859-1": "cp1252", "ascii": "cp1252", "shift_jis": "cp932"}.get(name, name)
    return name if name and _decodes(data, name) is not None else None


def undeclared(text: str) -> str:
    """XML text whose head no longer names the encoding that its bytes had."""
    return _XML_SAYS.sub(r"\1", text, count=1)


def _legacy(data: bytes) -> str:
    """By chardetng, which Firefox asks; a sentence is enough for it (ADR 0028)."""
    detector = EncodingDetector()
    detector.feed(data, last=len(data) < HEAD_BYTES)
    name = detector.guess(tld=None, allow_utf8=False).casefold()
    found = _WIDER.get(name) or name.replace("windows-", "cp")
    if found == "cp1252" and _decodes(data, found) is None:
        return "latin-1"
    return found


def find_encoding(path: Path) -> str:
    """Encoding of a text file, UTF-8 when nothing is known."""
    return encoding_of(read_head(path)) or "utf-8"


def decode_head(path: Path, encoding: str, size: int = HEAD_BYTES) -> str:
    """The first part of a text file, broken bytes replaced."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    return decoder.decode(read_head(path, size))


def is_from_right(text: str) -> bool:
    """Whether most letters are of scripts that are written from right to left."""
    letters = [letter for letter in text if letter.isalpha()]
    right = sum(unicodedata.bidirectional(letter) in ("R", "AL") for letter in letters)
    return 2 * right > len(letters)
