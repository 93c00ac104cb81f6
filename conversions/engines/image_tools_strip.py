"""Remove metadata without touching a pixel: by the segments and chunks of the file itself.

Only the colour profile stays, and where a picture is turned by its EXIF, an EXIF of one entry with
the orientation. Sources: ITU-T T.81 B.1 (JPEG), PNG 3rd edition 5.3, the WebP container.
"""

from __future__ import annotations

import struct
import zlib

from conversions.engines.spec import InputRejected

_PNG_DROP = {b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME", b"dSIG", b"caBX"}
_DAMAGED = "The picture is damaged or cut off."


def one_entry(orientation: int) -> bytes:
    """EXIF that only says which way is up (TIFF 6.0, little-endian)."""
    return b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHHI", 0x0112, 3, 1, orientation, 0, 0)


def strip_jpeg(data: bytes, orientation: int) -> bytes:
    """Drop APP1, APP3–APP13, APP15 and comments; keep JFIF, ICC and Adobe's colour mark."""
    if data[:2] != b"\xff\xd8":
        raise InputRejected(_DAMAGED)
    kept = [b"\xff\xd8"]
    if orientation != 1:
        body = b"Exif\0\0" + one_entry(orientation)
        kept.append(b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body)
    place = 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            raise InputRejected(_DAMAGED)
        mark = data[place + 1]
        if mark == 0xFF:
            place += 1
            continue
        if mark == 0xDA:
            end = data.rfind(b"\xff\xd9")
            scan = data[place:end] if end > place else data[place:]
            return b"".join((*kept, scan, b"\xff\xd9"))
        (length,) = struct.unpack_from(">H", data, place + 2)
        segment = data[place : place + 2 + length]
        profile = mark == 0xE2 and segment[4:15] == b"ICC_PROFILE"
        colour = mark == 0xEE and segment[4:9] == b"Adobe"
        plain = mark == 0xE0 and segment[4:8] == b"JFIF"
        if (not 0xE0 <= mark <= 0xEF and mark != 0xFE) or profile or colour or plain:
            kept.append(segment)
        place += 2 + length
    raise InputRejected(_DAMAGED)


def strip_png(data: bytes, orientation: int) -> bytes:
    """Drop text, EXIF and time; everything that changes the looks stays."""
    kept = [data[:8]]
    place = 8
    while place + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        chunk = data[place : place + 12 + length]
        if len(chunk) < 12 + length:
            raise InputRejected(_DAMAGED)
        if kind not in _PNG_DROP:
            kept.append(chunk)
        if kind == b"IHDR" and orientation != 1:
            body = b"eXIf" + one_entry(orientation)
            kept.append(
                struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
            )
        place += 12 + length
        if kind == b"IEND":
            return b"".join(kept)
    raise InputRejected(_DAMAGED)


def strip_webp(data: bytes, orientation: int) -> bytes:
    """Drop the EXIF and XMP chunks and their flags."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise InputRejected(_DAMAGED)
    kept: list[bytes] = []
    extended = False
    place, end = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while place + 8 <= end:
        kind = data[place : place + 4]
        length = int.from_bytes(data[place + 4 : place + 8], "little")
        chunk = data[place : place + 8 + length + length % 2]
        if len(chunk) < 8 + length:
            raise InputRejected(_DAMAGED)
        if kind == b"VP8X":
            extended = True
            flags = chunk[8] & ~0x0C | (0x08 if orientation != 1 else 0)
            chunk = chunk[:8] + bytes([flags]) + chunk[9:]
        if kind not in (b"EXIF", b"XMP "):
            kept.append(chunk)
        place += 8 + length + length % 2
    if orientation != 1 and extended:
        body = one_entry(orientation)
        kept.append(b"EXIF" + struct.pack("<I", len(body)) + body)
    whole = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(whole)) + whole


STRIPPERS = {"jpg": strip_jpeg, "png": strip_png, "webp": strip_webp}
