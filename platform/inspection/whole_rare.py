"""Is a recording of the rarer containers all there? By the sizes that their heads name."""

from __future__ import annotations

import struct
from collections.abc import Callable


def _aiff(head: bytes, tail: bytes, size: int) -> bool:
    return bool(struct.unpack_from(">I", head, 4)[0] + 8 <= size + 1)


def _au(head: bytes, tail: bytes, size: int) -> bool:
    start, length = struct.unpack_from(">II", head, 4)
    return bool(length == 0xFFFFFFFF or start + length <= size)


def _w64(head: bytes, tail: bytes, size: int) -> bool:
    return bool(struct.unpack_from("<Q", head, 16)[0] <= size)


def _rf64(head: bytes, tail: bytes, size: int) -> bool:
    return head[12:16] == b"ds64" and bool(struct.unpack_from("<Q", head, 20)[0] + 8 <= size + 1)


def _caf(head: bytes, tail: bytes, size: int) -> bool:
    place = 8
    while place + 12 <= min(size, len(head)):
        kind, length = head[place : place + 4], struct.unpack_from(">q", head, place + 4)[0]
        if kind == b"data" and length < 0:
            return True
        place += 12 + max(length, 0)
    return place <= size


def _asf(head: bytes, tail: bytes, size: int) -> bool:
    """File size, as the file properties object tells; 0 while it is still being written."""
    mark = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
    place = head.find(mark)
    if place < 0:
        return False
    claimed = struct.unpack_from("<Q", head, place + 40)[0]
    return bool(not claimed or claimed <= size)


def _tta(head: bytes, tail: bytes, size: int) -> bool:
    rate, samples = struct.unpack_from("<II", head, 10)
    frames = -(-samples // (256 * rate // 245)) if rate else 0
    if 22 + 4 * frames + 4 > len(head):
        return True
    return bool(22 + 4 * frames + 4 + sum(struct.unpack_from(f"<{frames}I", head, 22)) <= size)


def _wavpack(head: bytes, tail: bytes, size: int) -> bool:
    total = struct.unpack_from("<I", head, 12)[0]
    place = tail.rfind(b"wvpk")
    if place < 0 or place + 24 > len(tail):
        return False
    length, index, count = (struct.unpack_from("<I", tail, place + at)[0] for at in (4, 16, 20))
    ends = total in (0xFFFFFFFF, index + count)
    return bool(ends and place + 8 + length <= len(tail))


def _flv(head: bytes, tail: bytes, size: int) -> bool:
    """The last four bytes name the size of the tag before them."""
    before = struct.unpack_from(">I", tail, len(tail) - 4)[0]
    place = len(tail) - 4 - before
    return bool(place >= 0 and int.from_bytes(tail[place + 1 : place + 4], "big") + 11 == before)


def _ends_with_code(head: bytes, tail: bytes, size: int) -> bool:
    """MPEG program streams may end with a mark; those that we write do."""
    return b"\x00\x00\x01\xb9" in tail[-4096:]


def _mxf(head: bytes, tail: bytes, size: int) -> bool:
    footer = bytes.fromhex("060e2b34020501010d010201010404")
    index = bytes.fromhex("060e2b34020501010d01020101110100")
    return footer in tail or index in tail


def _ivf(head: bytes, tail: bytes, size: int) -> bool:
    place = 32
    while place + 12 <= len(head):
        place += 12 + int(struct.unpack_from("<I", head, place)[0])
    return place <= size if size > len(head) else place == size


_TESTS: dict[str, Callable[[bytes, bytes, int], bool]] = {
    "aiff": _aiff,
    "aifc": _aiff,
    "au": _au,
    "w64": _w64,
    "rf64": _rf64,
    "caf": _caf,
    "wma": _asf,
    "wmv": _asf,
    "asf": _asf,
    "tta": _tta,
    "wv": _wavpack,
    "flv": _flv,
    "mpg": _ends_with_code,
    "vob": _ends_with_code,
    "mxf": _mxf,
    "ivf": _ivf,
}


def is_whole(code: str, head: bytes, tail: bytes, size: int) -> bool:
    """False when the head claims more than there is; True for what has no such claim."""
    test = _TESTS.get(code)
    try:
        return test(head, tail, size) if test else True
    except struct.error:
        return False
