"""Formats by their first bytes. Each test names exactly one format, or a container to look into."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from inspection import signatures_media

_AT_START: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"8BPS", "psd"),
    (b"\x00\x00\x00\x0cjP  ", "jp2"),
    (b"\xff\x4f\xff\x51", "j2k"),
    (b"fLaC", "flac"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (b"FLV\x01", "flv"),
    (b"\x00\x00\x01\xba", "mpg"),
    (b"\x00\x00\x01\xb3", "m2v"),
    (b"{\\rtf", "rtf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x28\xb5\x2f\xfd", "zst"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x5d\x00\x00", "lzma"),
    (b"LZIP", "lz"),
    (b"\x1f\x9d", "z"),
    (b"070701", "cpio"),
    (b"070702", "cpio"),
    (b"070707", "cpio"),
    (b"!<arch>\ndebian-binary", "deb"),
    (b"!<arch>\n", "ar"),
    (b"\xed\xab\xee\xdb", "rpm"),
    (b"xar!", "xar"),
    (b"MSCF", "cab"),
    (b"ITOLITLS", "lit"),
    (b"L\x00R\x00F\x00\x00\x00", "lrf"),
    (b"\xb0\x0c\xb0\x0c", "rb"),
    (b"MZ", "exe"),
    (b"\x7fELF", "elf"),
    (b"wOFF", "woff"),
    (b"wOF2", "woff2"),
    (b"OTTO", "otf"),
    (b"\x00\x01\x00\x00\x00", "ttf"),
    (b"\x1a\x45\xdf\xa3", "ebml"),
    (b"OggS", "oggs"),
    (b"\xc5\xd0\xd3\xc6", "eps"),
)
_BRANDS = {
    b"qt  ": "mov",
    b"M4A ": "m4a",
    b"M4B ": "m4a",
    b"M4V ": "m4v",
    b"f4v ": "f4v",
    b"heic": "heic",
    b"heix": "heic",
    b"mif1": "heic",
    b"msf1": "heic",
    b"hevc": "heic",
    b"avif": "avif",
    b"avis": "avif",
    b"crx ": "cr3",
    **dict.fromkeys((b"3gp4", b"3gp5", b"3gp6", b"3gp7", b"3gr6", b"3gs7"), "3gp"),
    **dict.fromkeys((b"3g2a", b"3g2b", b"3g2c"), "3g2"),
}


def _riff(head: bytes) -> str | None:
    kinds = {b"WEBP": "webp", b"WAVE": "wav", b"AVI ": "avi"}
    if head[:4] == b"RF64":
        return "rf64" if head[8:12] == b"WAVE" else None
    return kinds.get(head[8:12]) if head[:4] == b"RIFF" else None


def _aiff(head: bytes) -> str | None:
    kinds = {b"AIFF": "aiff", b"AIFC": "aifc"}
    return kinds.get(head[8:12]) if head[:4] == b"FORM" else None


def _ftyp(head: bytes) -> str | None:
    if head[4:8] != b"ftyp":
        return "mov" if head[4:8] in (b"moov", b"mdat", b"wide") and len(head) > 64 else None
    size = min(int.from_bytes(head[:4], "big"), 256)
    major = head[8:12]
    if major in (b"mif1", b"msf1") and b"avif" in head[16:size]:
        return "avif"
    return _BRANDS.get(major, "mp4")


def _ebml(head: bytes) -> str | None:
    found = re.search(rb"\x42\x82[\x80-\xff](webm|matroska)", head[:128], re.DOTALL)
    if not found:
        return None
    return "webm" if found.group(1) == b"webm" else "mkv"


def _ogg(head: bytes) -> str | None:
    if b"OpusHead" in head[:128]:
        return "opus"
    if b"\x80theora" in head[:128]:
        return "ogv"
    if b"Speex   " in head[:128]:
        return "spx"
    return "ogg" if b"\x01vorbis" in head[:128] or b"\x7fFLAC" in head[:128] else None


def _bmp(head: bytes) -> str | None:
    if head[:2] != b"BM" or len(head) < 26:
        return None
    return (
        "bmp" if struct.unpack_from("<I", head, 14)[0] in (12, 40, 52, 56, 64, 108, 124) else None
    )


def _ico(head: bytes) -> str | None:
    if head[:4] != b"\x00\x00\x01\x00" or len(head) < 22:
        return None
    count = struct.unpack_from("<H", head, 4)[0]
    return "ico" if 0 < count < 256 and head[9] == 0 else None


def _mp3(head: bytes) -> str | None:
    """ID3 tag or two frames in a row: 0xFF 0xE… alone is found in any data."""
    if head[:3] == b"ID3":
        size = 10 + sum((b & 0x7F) << s for b, s in zip(head[6:10], (21, 14, 7, 0), strict=True))
        after = head[size : size + 4]
        return "flac" if after == b"fLaC" else "aac" if _adts(after) else "mp3"
    if _adts(head):
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        return "aac" if _adts(head[length : length + 8]) else None
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return None
    length = _mp3_frame(head)
    return "mp3" if length and head[length : length + 1] == b"\xff" else None


def _adts(head: bytes) -> bool:
    return len(head) >= 4 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0


def _mp3_frame(head: bytes) -> int:
    rates = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
    slow = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)
    first = head[1] & 0x18 == 0x18
    rate = (rates if first else slow)[head[2] >> 4]
    sample = (44100, 48000, 32000, 0)[(head[2] >> 2) & 3]
    sample = sample if first else sample // (2 if head[1] & 0x18 == 0x10 else 4)
    return (
        (144 if first else 72) * rate * 1000 // sample + (head[2] >> 1 & 1)
        if rate and sample
        else 0
    )


def _tar(head: bytes) -> str | None:
    return "tar" if head[257:262] == b"ustar" else None


def _mobi(head: bytes) -> str | None:
    """Palm's book forms: PalmDOC, Mobipocket, and its eighth version alone, which is AZW3."""
    if head[60:68] == b"TEXtREAd":
        return "pdb"
    if head[60:68] != b"BOOKMOBI":
        return None
    first = struct.unpack_from(">I", head, 78)[0] if len(head) > 82 else 0
    version = struct.unpack_from(">I", head, first + 36)[0] if len(head) > first + 40 else 0
    return "azw3" if version == 8 else "mobi"


def _iso(head: bytes) -> str | None:
    return "iso" if head[32769:32774] == b"CD001" else None


def _pdf(head: bytes) -> str | None:
    return "pdf" if b"%PDF-" in head[:1024] else None


def _postscript(head: bytes) -> str | None:
    if not head.startswith(b"%!PS"):
        return None
    return "eps" if b"EPSF" in head[:64] else "ps"


_TESTS: tuple[Callable[[bytes], str | None], ...] = (
    _riff,
    _aiff,
    _ftyp,
    _bmp,
    _ico,
    _tar,
    _mobi,
    _iso,
    _pdf,
    _postscript,
    _mp3,
    *signatures_media.TESTS,
)


def by_signature(head: bytes) -> str | None:
    """Code of the format (or ``asf``/``ole``/``zip`` containers to look into); None for text."""
    first = next((found for test in signatures_media.BEFORE if (found := test(head))), None)
    if first:
        return first
    for mark, code in (*_AT_START, *signatures_media.AT_START):
        if head.startswith(mark):
            if code == "ebml":
                return _ebml(head)
            if code == "oggs":
                return _ogg(head)
            if code == "exe" and _is_text(head):
                continue
            return code
    return next((found for test in _TESTS if (found := test(head))), None)


def _is_text(head: bytes) -> bool:
    return b"\x00" not in head[:512] and len(head) > 2 and head[2:3].isalpha()
