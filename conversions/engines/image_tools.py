"""Pillow (MIT-CMU) on one picture: compress, edit, strip metadata, thumbnail.

Each operation is an engine of its own with its own options, reached by tools. Pictures come out
upright; every frame of an animation is worked on. Source: https://pillow.readthedocs.io/
"""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from conversions.engines.image_tools_edit import edit
from conversions.engines.image_tools_save import all_frames, check_size, encode
from conversions.engines.image_tools_strip import STRIPPERS
from conversions.engines.pillow_frames import Frames, open_frames
from conversions.engines.spec import (
    EngineCall,
    EngineOptions,
    EngineResult,
    EngineSpec,
    Queue,
    Route,
    Runner,
)

if TYPE_CHECKING:
    from PIL import Image

EDITABLE = ("png", "jpg", "webp", "gif", "bmp", "tiff", "avif")
COMPRESSIBLE = ("jpg", "png", "webp", "avif", "gif", "tiff")
_STEPS = 6  # of the search for a quality: 95 values
_SHRINKS = 12  # each to 85 % of the side, when no quality is low enough


class CompressOptions(EngineOptions):
    """How small, or how good."""

    quality: int = Field(default=75, ge=1, le=100, description="1–100; PNG below 100: 256 colours.")
    target_size_kb: int | None = Field(
        default=None, ge=1, le=1_000_000, description="Kilobytes (1000) not to exceed."
    )
    max_width: int | None = Field(default=None, ge=1, le=30_000, description="Pixels.")
    max_height: int | None = Field(default=None, ge=1, le=30_000, description="Pixels.")
    lossless: bool = Field(default=False, description="No loss: only packed better.")


class EditOptions(EngineOptions):
    """What is done, in this order: crop, rotate, flip, resize, filter, adjust, text, watermark."""

    crop_x: int = Field(default=0, ge=0, le=100_000, description="Pixels from the left.")
    crop_y: int = Field(default=0, ge=0, le=100_000, description="Pixels from the top.")
    crop_width: int | None = Field(default=None, ge=1, le=100_000, description="Pixels.")
    crop_height: int | None = Field(default=None, ge=1, le=100_000, description="Pixels.")
    rotate: float = Field(default=0, ge=-360, le=360, description="Degrees, clockwise.")
    flip: Literal["none", "horizontal", "vertical", "both"] = Field(
        default="none", description="Mirror."
    )
    width: int | None = Field(default=None, ge=1, le=30_000, description="Width in pixels.")
    height: int | None = Field(default=None, ge=1, le=30_000, description="Height in pixels.")
    fit: Literal["max", "crop", "scale"] = Field(
        default="max", description="max: fit inside. crop: fill and cut. scale: stretch to it."
    )
    filter: Literal[
        "none",
        "grayscale",
        "sepia",
        "invert",
        "blur",
        "sharpen",
        "edges",
        "emboss",
        "smooth",
        "detail",
        "auto_contrast",
    ] = Field(default="none", description="One filter over the picture.")
    filter_radius: float = Field(default=3, ge=0.1, le=100, description="Of blur and sharpen.")
    brightness: float = Field(default=1.0, ge=0, le=5, description="1 leaves it as it is.")
    contrast: float = Field(default=1.0, ge=0, le=5, description="1 leaves it as it is.")
    saturation: float = Field(default=1.0, ge=0, le=5, description="0 is grey, 1 as it is.")
    sharpness: float = Field(default=1.0, ge=0, le=5, description="1 leaves it as it is.")
    text: str | None = Field(default=None, max_length=500, description="Words on the picture.")
    text_position: Literal[
        "top-left",
        "top",
        "top-right",
        "center",
        "bottom-left",
        "bottom",
        "bottom-right",
    ] = Field(default="bottom-right", description="Where the words stand.")
    text_size: int | None = Field(default=None, ge=4, le=2000, description="Pixels.")
    text_color: str = Field(default="#ffffff", pattern=r"^#[0-9a-fA-F]{6}$", description="Colour.")
    watermark_text: str | None = Field(
        default=None, max_length=100, description="Words repeated across the picture."
    )
    watermark_opacity: float = Field(default=0.3, ge=0.02, le=1, description="0.02–1.")
    background: str = Field(
        default="#ffffff", pattern=r"^#[0-9a-fA-F]{6}$", description="Colour of new corners."
    )
    quality: int = Field(default=90, ge=1, le=100, description="1–100 for JPG, WEBP, AVIF.")


class StripOptions(EngineOptions):
    """None."""


class ThumbnailOptions(EngineOptions):
    """How large at most."""

    width: int = Field(default=320, ge=8, le=4096, description="Pixels at most.")
    height: int = Field(default=320, ge=8, le=4096, description="Pixels at most.")
    fit: Literal["max", "crop"] = Field(default="max", description="max: inside. crop: fill, cut.")
    quality: int = Field(default=82, ge=1, le=100, description="1–100 for JPG and WEBP.")


def find_version() -> str | None:
    """Version of the installed Pillow."""
    try:
        return importlib.metadata.version("pillow")
    except importlib.metadata.PackageNotFoundError:
        return None


def _opened(call: EngineCall, work: Callable[[Frames], EngineResult]) -> EngineResult:
    call.progress(0.05, "reading")
    with open_frames(call.source, call.input_format) as frames:
        check_size(frames)
        return work(frames)


def compress(call: EngineCall) -> EngineResult:
    """A smaller file of the same format, or the original with a note. Facts: before, after."""
    options = call.options
    assert isinstance(options, CompressOptions)  # noqa: S101
    before = call.source.stat().st_size

    def work(frames: Frames) -> EngineResult:
        images = [
            _shrunk(image, options.max_width, options.max_height) for image in all_frames(frames)
        ]
        call.progress(0.3, "compressing")
        made, scale = _search(images, frames, call, options)
        sized = (
            images[0].size != (frames.width, frames.height) and _turned(frames) != images[0].size
        )
        kept = len(made) >= before and not sized
        warnings = []
        if kept:
            shutil.copyfile(call.source, call.target)
            warnings.append("Nothing could be saved; the original file is returned unchanged.")
        else:
            call.target.write_bytes(made)
        after = call.target.stat().st_size
        if scale < 1:
            warnings.append(f"Made smaller to {scale:.0%} of its sides to reach the size.")
        if options.target_size_kb and after > options.target_size_kb * 1000:
            warnings.append("The size asked for can't be reached.")
        facts = {"before": before, "after": after, "kept_original": kept, "scale": scale}
        return EngineResult(outputs=(call.target,), warnings=tuple(warnings), facts=facts)

    return _opened(call, work)


def _turned(frames: Frames) -> tuple[int, int]:
    size = (frames.width, frames.height)
    return size[::-1] if frames.orientation in (5, 6, 7, 8) else size


def _shrunk(image: Image.Image, wide: int | None, high: int | None) -> Image.Image:
    from PIL import Image  # noqa: PLC0415 (imported in the sandboxed child only)

    share = min(1.0, (wide or image.width) / image.width, (high or image.height) / image.height)
    if share >= 1:
        return image
    size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    return (image.convert("L") if image.mode == "1" else image).resize(
        size, Image.Resampling.LANCZOS
    )


def _search(
    images: list[Image.Image], frames: Frames, call: EngineCall, options: CompressOptions
) -> tuple[bytes, float]:
    """The best quality that fits the target size; smaller pictures when none does."""
    code = call.output_format

    def made(quality: int) -> bytes:
        ready = (
            _fewer_colours(images, quality) if code == "png" and not options.lossless else images
        )
        return encode(ready, frames, code, quality, lossless=options.lossless)

    most = (options.target_size_kb or 0) * 1000
    found = made(options.quality)
    scale = 1.0
    if not most or len(found) <= most:
        return found, scale
    for shrink in range(_SHRINKS):
        low, high = 5, options.quality
        for _ in range(_STEPS if code in ("jpg", "webp", "avif") and not options.lossless else 1):
            middle = (low + high) // 2
            data = made(middle)
            if len(data) <= most:
                found, low = data, middle + 1
            else:
                high = middle - 1
        call.progress(0.3 + 0.6 * shrink / _SHRINKS, "searching a size")
        if len(found) <= most:
            break
        scale *= 0.85
        images = [_shrunk(im, round(im.width * 0.85), round(im.height * 0.85)) for im in images]
        found = made(5)
    return found, scale


def _fewer_colours(images: list[Image.Image], quality: int) -> list[Image.Image]:
    """PNG knows no quality: below 100 its colours are counted down to 256 … 32."""
    if quality >= 100 or len(images) > 1 or images[0].mode not in ("RGB", "RGBA"):
        return images
    from PIL import Image  # noqa: PLC0415

    colours = max(32, min(256, round(256 * quality / 70)))
    method = Image.Quantize.FASTOCTREE
    return [
        image.quantize(colours, method=method, dither=Image.Dither.FLOYDSTEINBERG)
        for image in images
    ]


def run_edit(call: EngineCall) -> EngineResult:
    """Edit every frame."""
    options = call.options
    assert isinstance(options, EditOptions)  # noqa: S101

    def work(frames: Frames) -> EngineResult:
        images = []
        for done, image in enumerate(all_frames(frames), 1):
            images.append(edit(image, options))
            call.progress(0.1 + 0.7 * done / frames.count, "editing")
        call.target.write_bytes(encode(images, frames, call.output_format, options.quality))
        width, height = images[0].size
        return EngineResult(outputs=(call.target,), facts={"width": width, "height": height})

    return _opened(call, work)


def strip(call: EngineCall) -> EngineResult:
    """Drop what is noted beside the pixels; JPG, PNG and WEBP keep every pixel exactly."""

    def work(frames: Frames) -> EngineResult:
        stripper = STRIPPERS.get(call.output_format)
        if stripper:
            call.target.write_bytes(stripper(call.source.read_bytes(), frames.orientation))
        else:
            images = all_frames(frames)
            data = encode(images, frames, call.output_format, 95)
            call.target.write_bytes(data)
        return EngineResult(outputs=(call.target,), facts={"exact": stripper is not None})

    return _opened(call, work)


def thumbnail(call: EngineCall) -> EngineResult:
    """The first frame, small."""
    options = call.options
    assert isinstance(options, ThumbnailOptions)  # noqa: S101

    def work(frames: Frames) -> EngineResult:
        from PIL import Image, ImageOps  # noqa: PLC0415

        image = frames.frame(frames.skipped)
        image = image if image.mode in ("RGB", "RGBA") else image.convert("RGBA")
        box = (options.width, options.height)
        if options.fit == "crop":
            image = ImageOps.fit(image, box, Image.Resampling.LANCZOS)
        else:
            image = _shrunk(image, *box)
        call.target.write_bytes(encode([image], frames, call.output_format, options.quality))
        facts = {"width": image.width, "height": image.height}
        return EngineResult(outputs=(call.target,), facts=facts)

    return _opened(call, work)


def _spec(
    name: str,
    routes: tuple[Route, ...],
    options: type[EngineOptions],
    run: Callable[[EngineCall], EngineResult],
) -> EngineSpec:
    return EngineSpec(
        id=f"image_{name}",
        name=f"Pillow ({name})",
        licence="MIT-CMU",
        routes=routes,
        options=options,
        runner=Runner.PYTHON,
        queue=Queue.CONVERT,
        sandbox="image",
        seconds=0.2,
        units=1,
        find_version=find_version,
        run=run,
        preload=("PIL.ImageDraw", "PIL.ImageFont", "PIL.ImageFilter", "PIL.ImageEnhance"),
    )


def _same(codes: tuple[str, ...]) -> tuple[Route, ...]:
    return tuple(Route(inputs=(code,), outputs=(code,), fidelity=95) for code in codes)


_TARGETS: Any = ("jpg", "png", "webp")
SPECS: tuple[EngineSpec, ...] = (
    _spec("compress", _same(COMPRESSIBLE), CompressOptions, compress),
    _spec("edit", (Route(inputs=EDITABLE, outputs=EDITABLE, fidelity=95),), EditOptions, run_edit),
    _spec("strip", _same(EDITABLE), StripOptions, strip),
    _spec(
        "thumbnail",
        (Route(inputs=EDITABLE, outputs=_TARGETS, fidelity=50),),
        ThumbnailOptions,
        thumbnail,
    ),
)
