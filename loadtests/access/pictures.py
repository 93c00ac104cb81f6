"""Pictures made on the spot."""

from __future__ import annotations

import io

from PIL import Image


def png(pixels: bytes, width: int, height: int) -> bytes:
    """RGB pixels as a PNG."""
    made = io.BytesIO()
    Image.frombytes("RGB", (width, height), pixels).save(made, "PNG")
    return made.getvalue()


def telling_jpeg(secret: str) -> bytes:
    """A photograph, 120 × 80, that tells where it was taken, and more, in its metadata."""
    picture = Image.new("RGB", (120, 80), (200, 40, 40))
    exif = Image.Exif()
    exif[0x010E] = secret  # ImageDescription
    exif[0x8825] = {1: "N", 2: (47.0, 22.0, 30.0), 3: "E", 4: (8.0, 32.0, 0.0)}  # GPS
    made = io.BytesIO()
    picture.save(made, "JPEG", exif=exif, comment=secret.encode())
    return made.getvalue()


def look(content: bytes) -> tuple[str, tuple[int, int], int]:
    """Format, size, number of EXIF fields."""
    with Image.open(io.BytesIO(content)) as picture:
        return str(picture.format), picture.size, len(picture.getexif())
