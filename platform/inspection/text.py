"""What encoding a text file is in, from its first part."""

from __future__ import annotations

import codecs
from pathlib import Path

HEAD_BYTES = 256 * 1024
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_EAST = ("shift_jis", "gb18030", "euc_kr", "big5")


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


def _likely(text: str) -> float:
    """Share of characters above ASCII that common eastern words use (kana, CJK, hangul)."""
    high = [c for c in text if ord(c) > 0x7F]
    if not high:
        return 0.0
    usual = sum(
        1.0 if 0x3040 <= ord(c) <= 0x30FF else 0.8 if 0x4E00 <= ord(c) <= 0x9FFF
        else 0.9 if 0xAC00 <= ord(c) <= 0xD7A3 else 0.5 if 0x3000 <= ord(c) <= 0x303F else 0.0
        for c in high
    )
    return usual / len(high)


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
    found = [(name, _decodes(data, name)) for name in _EAST]
    ranked = sorted(((_likely(text), name) for name, text in found if text), reverse=True)
    # Western letters make eastern nonsense: characters outside the usual blocks, few kana.
    if ranked and ranked[0][0] >= 0.75 and _dense(data):
        return ranked[0][1]
    return "cp1252" if _decodes(data, "cp1252") is not None else "latin-1"


def _dense(data: bytes) -> bool:
    """Eastern multi-byte text has its high bytes in runs; western accents stand alone."""
    high = sum(byte > 0x7F for byte in data)
    pairs = sum(a > 0x7F and b > 0x3F for a, b in zip(data, data[1:], strict=False))
    return bool(high) and pairs / high > 0.6 and high / len(data) > 0.15


def find_encoding(path: Path) -> str:
    """Encoding of a text file, UTF-8 when nothing is known."""
    return encoding_of(read_head(path)) or "utf-8"


def decode_head(path: Path, encoding: str, size: int = HEAD_BYTES) -> str:
    """The first part of a text file, broken bytes replaced."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    return decoder.decode(read_head(path, size))
