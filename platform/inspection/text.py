"""What encoding a text file is in, from its first part."""

from __future__ import annotations

import codecs
import itertools
from pathlib import Path

HEAD_BYTES = 256 * 1024
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


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


def _share(text: str, *blocks: tuple[int, int]) -> float:
    """Share of the characters above ASCII that lie in the blocks."""
    high = [ord(c) for c in text if ord(c) > 0x7F]
    inside = sum(any(low <= c <= top for low, top in blocks) for c in high)
    return inside / len(high) if high else 0.0


_CJK, _KANA, _MARKS, _HANGUL = (
    (0x4E00, 0x9FFF),
    (0x3040, 0x30FF),
    (0x3000, 0x303F),
    (0xAC00, 0xD7A3),
)


def _eastern(data: bytes) -> str | None:
    """Which eastern encoding makes sense of the bytes. The order settles ties:
    Chinese read as Shift-JIS shows half-width kana, Chinese read as Korean few syllables."""
    for name, blocks, least in (
        ("cp932", (_CJK, _KANA, _MARKS), 0.9),
        ("euc_kr", (_HANGUL, _MARKS), 0.9),
        ("gb18030", (_CJK, _MARKS, (0xFF00, 0xFF60)), 0.9),
        ("big5", (_CJK, _MARKS, (0xFF00, 0xFF60)), 0.9),
    ):
        text = _decodes(data, name)
        if text and _share(text, *blocks) >= least:
            return name
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
    if _dense(data) and (eastern := _eastern(data)):
        return eastern
    return "cp1252" if _decodes(data, "cp1252") is not None else "latin-1"


def _dense(data: bytes) -> bool:
    """Eastern multi-byte text has its high bytes in runs; western accents stand alone."""
    high = sum(byte > 0x7F for byte in data)
    pairs = sum(a > 0x7F and b > 0x3F for a, b in itertools.pairwise(data))
    return bool(high) and pairs / high > 0.6 and high / len(data) > 0.15


def find_encoding(path: Path) -> str:
    """Encoding of a text file, UTF-8 when nothing is known."""
    return encoding_of(read_head(path)) or "utf-8"


def decode_head(path: Path, encoding: str, size: int = HEAD_BYTES) -> str:
    """The first part of a text file, broken bytes replaced."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    return decoder.decode(read_head(path, size))
