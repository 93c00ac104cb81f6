"""Pictures of people, made inside the sandbox: no metadata, no animation, square, WebP. Pure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
MOST_PIXELS = 50_000_000
QUALITY = 88


class NotAPicture(Exception):
    """The file is no picture that we take."""


def draw(payload: dict[str, Any], report: Callable[[float, str], None]) -> dict[str, str]:
    """Each size as ``<size>.webp`` in the folder. ``refused`` in the answer tells why not."""
    try:
        picture = upright(Path(payload["source"]))
    except NotAPicture as error:
        return {"refused": str(error)}
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return {"refused": "This is no picture that can be read: send PNG, JPEG, WebP or GIF."}
    for size in payload["sizes"]:
        square = ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS)
        square.save(Path(payload["folder"]) / f"{size}.webp", "WEBP", quality=QUALITY, exif=b"")
    return {}


def upright(source: Path) -> Image.Image:
    """The first frame as it is meant to be seen, its pixels only."""
    with Image.open(source, formats=FORMATS) as picture:
        width, height = picture.size
        if width * height > MOST_PIXELS:
            raise NotAPicture(f"The picture has more than {MOST_PIXELS // 1_000_000} megapixels.")
        picture.load()
        turned = ImageOps.exif_transpose(picture)
        has_alpha = "A" in turned.getbands() or "transparency" in turned.info
        clean = turned.convert("RGBA" if has_alpha else "RGB")
        clean.info.clear()
        return clean
