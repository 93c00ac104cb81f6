"""Facts about pictures: size as seen (upright), frames, blankness, and a coarse likeness."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

_GRID = 8  # likeness: mean brightness of 8 × 8 fields


def _signature(gray: Any) -> dict[str, Any]:
    import cv2  # noqa: PLC0415 (loaded in the warm parent only)

    small = cv2.resize(gray, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
    return {"likeness": [int(v) for v in small.flatten()], "contrast": float(gray.std())}


def _to_gray(pixels: Any) -> Any:
    import cv2  # noqa: PLC0415

    if pixels.dtype != "uint8":
        top = float(pixels.max()) or 1.0
        pixels = (pixels.astype("float32") * (255.0 / max(top, 255.0))).astype("uint8")
    if pixels.ndim == 2:
        return pixels
    if pixels.shape[2] == 4:  # over white, as a viewer shows it
        alpha = pixels[:, :, 3:].astype("float32") / 255.0
        over = pixels[:, :, :3] * alpha + 255.0 * (1.0 - alpha)
        pixels = over.astype("uint8")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)


def by_cv2(path: Path, code: str) -> dict[str, Any]:
    """By OpenCV, which turns pictures upright by itself unless told to keep them unchanged."""
    import cv2  # noqa: PLC0415

    cv2.setNumThreads(1)
    name = str(path)
    flags = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR
    if code in ("png", "webp", "gif", "avif", "tiff"):
        flags = cv2.IMREAD_UNCHANGED
    pixels = cv2.imread(name, flags)
    if pixels is None:
        raise ValueError("not readable")
    if pixels.ndim == 3 and pixels.shape[2] == 2:
        pixels = pixels[:, :, 0]
    frames = 1
    if code in ("gif", "webp", "tiff", "png", "avif"):
        frames = max(1, int(cv2.imcount(name)))
    height, width = pixels.shape[:2]
    return {"width": width, "height": height, "frames": frames} | _signature(_to_gray(pixels))


def by_pillow(path: Path, code: str) -> dict[str, Any]:
    """By Pillow, for sources and for what OpenCV can't read."""
    import numpy as np  # noqa: PLC0415
    from PIL import Image, ImageOps  # noqa: PLC0415

    Image.MAX_IMAGE_PIXELS = None
    with Image.open(path) as image:
        frames = 1 if code == "ico" else int(getattr(image, "n_frames", 1))
        mode, info = image.mode, image.info
        first = ImageOps.exif_transpose(image)
        alpha = "A" in first.mode or "transparency" in info
        width, height = first.size
        if first.mode.startswith("I;16") or first.mode == "I":
            gray = (np.asarray(first).astype("int64").clip(0, 65535) >> 8).astype("uint8")
        else:
            flat = first.convert("RGBA")
            solid = Image.new("RGBA", flat.size, "white")
            gray = np.asarray(Image.alpha_composite(solid, flat).convert("L"))
    known = {"width": width, "height": height, "frames": frames, "mode": mode, "alpha": alpha}
    return known | _signature(gray)


def ico_by_hand(path: Path, code: str) -> dict[str, Any]:
    """The directory of an icon and the head of its largest picture."""
    data = path.read_bytes()[: 16 << 20]
    reserved, kind, count = struct.unpack_from("<HHH", data)
    if (reserved, kind) != (0, 1) or not count:
        raise ValueError("no icon")
    sizes = []
    for number in range(count):
        wide, high, _, _, _, _, length, place = struct.unpack_from(
            "<BBBBHHII", data, 6 + 16 * number
        )
        if place + length > len(data):
            raise ValueError("cut off")
        picture = data[place : place + length]
        wide, high = wide or 256, high or 256
        if picture.startswith(b"\x89PNG"):
            wide, high = struct.unpack_from(">II", picture, 16)
            if b"IEND" not in picture[-16:]:
                raise ValueError("cut off")
        sizes.append((wide, high))
    width, height = max(sizes)
    return {"width": width, "height": height, "frames": 1, "sizes": count} | _ico_look(path)


def _ico_look(path: Path) -> dict[str, Any]:
    made = by_pillow(path, "ico")
    return {"likeness": made["likeness"], "contrast": made["contrast"]}
