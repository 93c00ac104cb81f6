"""Saving for the picture operations: the same format again, all frames, profile and looks kept."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from conversions.engines.pillow_frames import Frames
from conversions.engines.spec import InputRejected, LimitExceeded

if TYPE_CHECKING:
    from PIL import Image

MAX_FRAME_PIXELS = 268_000_000
MAX_PIXELS = 1_000_000_000
_ALPHA = {"png", "webp", "tiff", "gif", "avif", "ico"}
_MANY = {"gif", "webp", "png", "avif", "tiff"}


def check_size(frames: Frames) -> None:
    """The limits of API.md; nothing is decoded before."""
    area = frames.width * frames.height
    if area > MAX_FRAME_PIXELS or area * frames.count > MAX_PIXELS:
        raise LimitExceeded("The picture has over 268 megapixels, or its frames over 1000.")


def all_frames(frames: Frames) -> list[Image.Image]:
    """Every frame, upright."""
    made = [frames.frame(number) for number in range(frames.skipped, frames.count)]
    if not made:
        raise InputRejected("The picture has no frame that can be read.")
    return made


def encode(
    images: list[Image.Image], frames: Frames, code: str, quality: int, *, lossless: bool = False
) -> bytes:
    """The bytes of a picture in a format; frames after the first only where they fit."""
    ready = [_fit(image, code) for image in images]
    extra = _options(ready[0], code, quality, lossless=lossless)
    fits = frames.image.mode in ("RGB", "RGBA", "P", "L", "LA")
    if frames.icc and fits and code in ("jpg", "png", "webp", "tiff", "avif"):
        extra["icc_profile"] = frames.icc
    if len(ready) > 1 and code in _MANY:
        extra |= {"save_all": True, "append_images": ready[1:]}
        if code != "tiff":
            numbers = range(frames.skipped, frames.count)
            extra |= {"duration": frames.durations(numbers)[: len(ready)]}
            extra |= {"loop": frames.image.info.get("loop", 0)}
    first = ready[0]
    first.info.pop("icc_profile", None)
    out = io.BytesIO()
    first.save(out, "JPEG" if code == "jpg" else code.upper(), **extra)
    return out.getvalue()


def _options(image: Image.Image, code: str, quality: int, *, lossless: bool) -> dict[str, Any]:
    if code == "jpg":
        return {"quality": quality, "optimize": True, "progressive": True}
    if code == "webp":
        return {"lossless": True} if lossless else {"quality": quality, "method": 5}
    if code == "avif":
        return {"quality": 100 if lossless else quality, "max_threads": 1}
    if code == "png":
        return {"optimize": True}
    if code == "tiff":
        return {"compression": "group4" if image.mode == "1" else "tiff_adobe_deflate"}
    return {}


def _fit(image: Image.Image, code: str) -> Image.Image:
    """A mode that the format holds; transparency goes onto white where there is none."""
    from PIL import Image  # noqa: PLC0415 (imported in the sandboxed child only)

    if image.mode == "I;16" and code not in ("png", "tiff"):
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode in ("LA", "RGBA") and code not in _ALPHA:
        solid = Image.new("RGBA", image.size, "#ffffff")
        image = Image.alpha_composite(solid, image.convert("RGBA")).convert("RGB")
    if image.mode == "LA" and code != "png":
        image = image.convert("RGBA")
    if image.mode == "1" and code in ("jpg", "webp", "avif", "gif"):
        image = image.convert("L")
    if code in ("webp", "avif") and image.mode == "L":
        image = image.convert("RGB")
    return image
