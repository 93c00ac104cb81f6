"""Digital negatives made of any picture: a sensor's pattern in all the ways in which DNG keeps it.

Source: Adobe DNG 1.6 specification; TIFF 6.0. Lossless JPEG comes from elsewhere (``packed``).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

_NEUTRAL = (0.5, 1.0, 0.65)  # how the sensor sees white
_TO_SRGB = np.array(
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
)
_FORMS = {1: "B", 2: "s", 3: "H", 4: "I", 5: "II", 7: "B", 10: "ii"}
Entry = tuple[int, int, tuple[Any, ...]]  # tag, type, values


@dataclass
class Negative:
    """How a negative is written."""

    bits: int = 16
    orientation: int = 1
    preview: int | None = 320  # pixels of its longer side; None: no preview
    linear: bool = False  # three colours a pixel instead of a pattern
    gray: bool = False  # a linear one of a sensor without colours
    order: str = "<"
    crop: tuple[int, int, int, int] | None = None  # left, top, width, height of DefaultCrop
    make: str = "Filemill"
    dng: bool = True
    claimed: tuple[int, int] | None = None  # width and height that the head tells
    packed: Callable[[Any, int], bytes] | None = None  # lossless JPEG of a pattern
    more: list[Entry] = field(default_factory=list)  # tags of the raw picture


def write(picture: Image.Image, path: Path, how: Negative) -> Path:
    """Write the picture as a negative; ``orientation`` is told, the pixels stay as they are."""
    rgb = picture.convert("RGB")
    raw = _raw_entries(rgb, how)
    base: list[Entry] = [
        (271, 2, (how.make.encode() + b"\0",)),
        (272, 2, (b"Sampler\0",)),
        (274, 3, (how.orientation,)),
    ]
    if how.dng:
        matrix = np.diag(_NEUTRAL) @ _TO_SRGB
        base += [
            (50706, 1, (1, 4, 0, 0)),
            (50707, 1, (1, 1, 0, 0)),
            (50708, 2, (b"Filemill Sampler\0",)),
            (50778, 3, (21,)),
        ]
    if how.dng and not how.gray:
        base += [
            (50721, 10, tuple((round(v * 10_000), 10_000) for v in matrix.flatten())),
            (50728, 5, tuple((round(v * 10_000), 10_000) for v in _NEUTRAL)),
        ]
    if how.preview is None:
        path.write_bytes(_file([*base, *raw[0]], raw[1], None, how.order))
        return path
    small = rgb.copy()
    small.thumbnail((how.preview, how.preview))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    shown: list[Entry] = [
        (254, 4, (1,)),
        (256, 4, (small.width,)),
        (257, 4, (small.height,)),
        (258, 3, (8, 8, 8)),
        (259, 3, (7,)),
        (262, 3, (6,)),
        (277, 3, (3,)),
        (278, 4, (small.height,)),
    ]
    path.write_bytes(_file([*base, *shown], buffer.getvalue(), raw, how.order))
    return path


def sensor(rgb: Image.Image, how: Negative) -> Any:
    """What the sensor counts, in the bits that it has: (height, width) or (height, width, 3)."""
    values = np.asarray(rgb).astype("float64") / 255
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    seen = light * np.array(_NEUTRAL)
    counted = np.round(seen * ((1 << how.bits) - 1)).astype("uint16")
    if how.linear:
        return counted[:, :, 1] if how.gray else counted
    pattern = counted[:, :, 1].copy()
    pattern[0::2, 0::2] = counted[0::2, 0::2, 0]
    pattern[1::2, 1::2] = counted[1::2, 1::2, 2]
    return pattern


def _raw_entries(rgb: Image.Image, how: Negative) -> tuple[list[Entry], bytes]:
    counted = sensor(rgb, how)
    spp = 3 if how.linear and not how.gray else 1
    data = how.packed(counted, how.bits) if how.packed else _bytes(counted, how)
    width, height = how.claimed or rgb.size
    found: list[Entry] = [
        (254, 4, (0,)),
        (256, 4, (width,)),
        (257, 4, (height,)),
        (258, 3, (how.bits,) * spp),
        (259, 3, (7 if how.packed else 1,)),
        (262, 3, (34892 if how.linear else 32803,)),
        (277, 3, (spp,)),
        (278, 4, (height,)),
        (284, 3, (1,)),
    ]
    if not how.linear:
        found += [(33421, 3, (2, 2)), (33422, 1, (0, 1, 1, 2))]
    if how.dng:
        found.append((50717, 4, ((1 << how.bits) - 1,) * spp))
    found += how.more
    if how.crop:
        left, top, wide, high = how.crop
        found += [(50719, 4, (left, top)), (50720, 4, (wide, high))]
    return found, data


def _bytes(counted: Any, how: Negative) -> bytes:
    if how.bits in (8, 16):
        kind = "u1" if how.bits == 8 else f"{how.order}u2"
        return bytes(counted.astype(kind).tobytes())
    rows = counted.reshape(counted.shape[0], -1).astype(">u2")
    bits = np.unpackbits(rows.view("u1").reshape(rows.shape[0], rows.shape[1], 2), axis=2)
    return bytes(np.packbits(bits[:, :, 16 - how.bits :].reshape(rows.shape[0], -1), axis=1))


def _file(
    first: list[Entry], data: bytes, raw: tuple[list[Entry], bytes] | None, order: str
) -> bytes:
    """Head, directories, then pictures: those come last, so that a cut loses them."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    if raw:
        first = [*first, (330, 4, (0,))]
    sizes = [len(_directory(_placed(first, 0, data), 0, order))]
    if raw:
        sizes.append(len(_directory(_placed(raw[0], 0, raw[1]), 0, order)))
    start = 8 + sum(sizes)
    entries = _placed(first, start, data)
    if raw:
        entries = [(t, k, (8 + sizes[0],) if t == 330 else v) for t, k, v in entries]
    made = mark + struct.pack(f"{order}I", 8) + _directory(entries, 8, order)
    if raw:
        made += _directory(_placed(raw[0], start + len(data), raw[1]), 8 + sizes[0], order)
    return made + data + (raw[1] if raw else b"")


def _placed(entries: list[Entry], place: int, data: bytes) -> list[Entry]:
    return [*entries, (273, 4, (place,)), (279, 4, (len(data),))]


def _directory(entries: list[Entry], place: int, order: str) -> bytes:
    entries = sorted(entries)
    head, beyond = struct.pack(f"{order}H", len(entries)), b""
    after = place + 2 + 12 * len(entries) + 4
    for tag, kind, values in entries:
        if kind == 2:
            body, count = values[0], len(values[0])
        else:
            flat = [n for v in values for n in (v if isinstance(v, tuple) else (v,))]
            body = struct.pack(f"{order}{_FORMS[kind] * len(values)}", *flat)
            count = len(values)
        if len(body) > 4:
            told = struct.pack(f"{order}I", after + len(beyond))
            beyond += body + b"\0" * (len(body) % 2)
        else:
            told = body.ljust(4, b"\0")
        head += struct.pack(f"{order}HHI", tag, kind, count) + told
    return head + struct.pack(f"{order}I", 0) + beyond
