"""Is a recording all there? Headers claim lengths that a cut-off file no longer has."""

from __future__ import annotations

import struct
from pathlib import Path

from inspection import whole_rare

_TAIL = 128 * 1024


def is_whole(path: Path, code: str) -> bool:
    """False when the container says that bytes are missing at the end."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(64 * 1024)
        file.seek(max(0, size - _TAIL))
        tail = file.read(_TAIL)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide"):
        return _boxes(path, size)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return _segment(head, size)
    if head.startswith(b"RIFF"):
        claimed = struct.unpack_from("<I", head, 4)[0] + 8
        return bool(claimed >= 0xFFFFFFFF or claimed <= size + 1)
    if head.startswith(b"OggS"):
        place = tail.rfind(b"OggS")
        return place >= 0 and len(tail) > place + 5 and bool(tail[place + 5] & 4)
    if code in ("flac", "mp3"):
        return _flac(head, tail) if code == "flac" else _xing(head, size)
    return whole_rare.is_whole(code, head, tail, size)


def _boxes(path: Path, size: int) -> bool:
    place = 0
    with path.open("rb") as file:
        while place < size:
            file.seek(place)
            head = file.read(16)
            if len(head) < 8:
                return False
            length = struct.unpack_from(">I", head)[0]
            if length == 1 and len(head) == 16:
                length = struct.unpack_from(">Q", head, 8)[0]
            if length == 0:
                return True
            place += max(length, 8)
    return place == size


def _segment(head: bytes, size: int) -> bool:
    """The Segment element of Matroska names its size, unless it was streamed (all ones)."""
    place = head.find(b"\x18\x53\x80\x67")
    if place < 0 or len(head) < place + 12:
        return False
    first = head[place + 4]
    width = 9 - first.bit_length() if first else 9
    if width > 8:
        return False
    value = int.from_bytes(head[place + 4 : place + 4 + width], "big") & ((1 << 7 * width) - 1)
    return value == (1 << 7 * width) - 1 or place + 4 + width + value <= size


def _flac(head: bytes, tail: bytes) -> bool:
    """The last frame's number times the block size comes near the number of samples."""
    block = struct.unpack_from(">H", head, 8)[0]
    total = int.from_bytes(head[21:26], "big") & 0xFFFFFFFFF
    if not block or not total:
        return True
    place = len(tail)
    while (place := max(tail.rfind(b"\xff\xf8", 0, place), tail.rfind(b"\xff\xf9", 0, place))) >= 0:
        number = _utf8_number(tail[place + 4 : place + 11])
        variable = tail[place + 1] & 1
        reached = number if variable else number * block if number is not None else None
        if reached is not None and total - 2 * block <= reached <= total:
            return True
        if place == 0:
            break
    return False


def _utf8_number(data: bytes) -> int | None:
    if not data or data[0] < 0x80:
        return data[0] if data else None
    count = 8 - (data[0] ^ 0xFF).bit_length()
    if not 2 <= count <= 7 or len(data) < count:
        return None
    value = data[0] & ((1 << (7 - count)) - 1)
    for byte in data[1:count]:
        if byte & 0xC0 != 0x80:
            return None
        value = value << 6 | byte & 0x3F
    return value


def _xing(head: bytes, size: int) -> bool:
    """The info frame of variable-rate MP3 counts bytes."""
    place = max(head.find(b"Xing"), head.find(b"Info"))
    if place < 0 or len(head) < place + 16:
        return True
    flags = struct.unpack_from(">I", head, place + 4)[0]
    if not flags & 2:
        return True
    counted = struct.unpack_from(">I", head, place + (12 if flags & 1 else 8))[0]
    return bool(counted <= size + 1024)
