"""Archives that no free program writes, made by hand from what their format notes say."""

from __future__ import annotations

import struct
import zlib


def stored_rar(files: dict[str, bytes]) -> bytes:
    """A RAR 4 archive whose files are stored, not packed (packing it is not free to do)."""
    made = b"Rar!\x1a\x07\x00" + _block(0x73, 0, b"\x00" * 6)
    for name, body in files.items():
        encoded = name.replace("/", "\\").encode()
        head = struct.pack(
            "<IIBIIBBHI",
            len(body),
            len(body),
            3,  # Unix
            zlib.crc32(body),
            0x5A000000,
            20,
            0x30,  # stored
            len(encoded),
            0o100644,
        )
        made += _block(0x74, 0x8000, head + encoded) + body
    return made + _block(0x7B, 0x4000, b"")


def _block(kind: int, flags: int, body: bytes) -> bytes:
    head = struct.pack("<BHH", kind, flags, 7 + len(body)) + body
    return struct.pack("<H", zlib.crc32(head) & 0xFFFF) + head
