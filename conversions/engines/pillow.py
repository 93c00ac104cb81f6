"""Pillow (MIT-CMU): raster pictures among each other and to PDF.

Fast and careful with colours; vector pictures and camera raw files are not its business. Every
frame of an animation and every page of a TIFF survives where the target can hold it. Turned
pictures (EXIF) always come out upright, colour profiles stay, other metadata is dropped unless
asked for. Source: https://pillow.readthedocs.io/en/stable/handbook/image-file-formats.html
"""

from __future__ import annotations

import importlib.metadata
from typing import Any, Literal

from pydantic import Field

from conversions.engines.pillow_frames import PLUGIN, Frames, open_frames
from conversions.engines.pillow_write import write
from conversions.engines.spec import (
    EngineCall,
    EngineOptions,
    EngineResult,
    EngineSpec,
    InputRejected,
    LimitExceeded,
    Queue,
    Route,
    Runner,
)

SOURCES = tuple(PLUGIN)
_LOSSLESS = (
    *("png", "apng", "tiff", "webp", "avif", "jp2", "j2k"),
    *("tga", "sgi", "dds", "qoi"),
)
_RARE = (
    *("Icns", "Tga", "Pcx", "Dcx", "Ppm", "Sgi", "Dds", "Qoi", "Xbm", "Xpm", "Msp", "Im"),
    *("Sun", "Psd"),
)
MAX_FRAME_PIXELS = 268_000_000
MAX_PIXELS = 1_000_000_000


class Options(EngineOptions):
    """How the picture is written."""

    quality: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="1–100 for JPG, WEBP, AVIF, JP2, in PDF.",
    )
    width: int | None = Field(default=None, ge=1, le=30_000, description="Width in pixels.")
    height: int | None = Field(default=None, ge=1, le=30_000, description="Height in pixels.")
    fit: Literal["max", "crop", "scale"] = Field(
        default="max",
        description="max: fit inside, never enlarge. crop: fill and cut. scale: stretch to it.",
    )
    background: str = Field(
        default="#ffffff",
        pattern=r"^#[0-9a-fA-F]{6}$",
        description="Colour behind transparent parts where the target has no transparency.",
    )
    metadata: Literal["keep", "strip"] = Field(
        default="strip", description="keep: EXIF stays. strip: only the colour profile stays."
    )
    lossless: bool = Field(default=False, description="Lossless WEBP or AVIF.")
    compression_level: int = Field(default=6, ge=0, le=9, description="0–9 for PNG.")
    dpi: int | None = Field(default=None, ge=1, le=2400, description="Dots per inch to note.")


def find_version() -> str | None:
    """Version of the installed Pillow."""
    try:
        return importlib.metadata.version("pillow")
    except importlib.metadata.PackageNotFoundError:
        return None


def _check_size(frames: Frames) -> None:
    area = frames.width * frames.height
    if area > MAX_FRAME_PIXELS:
        text = f"The picture has {area // 1_000_000} megapixels; at most 268 are allowed."
        raise LimitExceeded(text)
    if area * frames.count > MAX_PIXELS:
        total = area * frames.count // 1_000_000
        raise LimitExceeded(f"All frames have {total} megapixels; at most 1000 are allowed.")


def run(call: EngineCall) -> EngineResult:
    """Convert one picture. Runs in a sandboxed child."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    call.progress(0.05, "reading")
    with open_frames(call.source, call.input_format) as frames:
        _check_size(frames)
        outputs, warnings = write(frames, call, options)
        facts: dict[str, Any] = {
            "width": frames.width,
            "height": frames.height,
            "frames": frames.count,
        }
    if not outputs:
        raise InputRejected("The picture has no frame that can be read.")
    call.progress(1.0, "done")
    return EngineResult(outputs=tuple(outputs), warnings=tuple(warnings), facts=facts)


SPEC = EngineSpec(
    id="pillow",
    name="Pillow",
    licence="MIT-CMU",
    routes=(
        Route(inputs=SOURCES, outputs=_LOSSLESS, fidelity=99, loses=("metadata unless kept",)),
        Route(
            inputs=SOURCES,
            outputs=("jpg", "bmp", "dib", "ppm", "pnm", "pcx"),
            fidelity=90,
            loses=("transparency", "frames after the first of an animation"),
        ),
        Route(
            inputs=SOURCES,
            outputs=("gif",),
            fidelity=70,
            loses=("all but 256 colours", "partial transparency"),
        ),
        Route(
            inputs=SOURCES,
            outputs=("ico", "icns"),
            fidelity=60,
            loses=("everything past 256×256 pixels (icns: 1024×1024)",),
        ),
        Route(
            inputs=SOURCES,
            outputs=("pgm", "bw"),
            fidelity=50,
            loses=("colours", "transparency", "frames after the first of an animation"),
        ),
        Route(
            inputs=SOURCES,
            outputs=("pbm", "xbm", "msp"),
            fidelity=25,
            loses=("all but black and white", "frames after the first of an animation"),
        ),
        Route(
            inputs=SOURCES,
            outputs=("pdf",),
            fidelity=90,
            loses=("transparency", "frames after the first of an animation"),
            options=("quality", "width", "height", "fit", "background", "dpi"),
        ),
    ),
    options=Options,
    runner=Runner.PYTHON,
    queue=Queue.CONVERT,
    sandbox="image",
    seconds=0.1,
    units=1,
    find_version=find_version,
    run=run,
    preload=(
        "PIL.Image",
        "PIL.ImageOps",
        "PIL.ImageCms",
        "PIL.PngImagePlugin",
        "PIL.JpegImagePlugin",
        "PIL.WebPImagePlugin",
        "PIL.GifImagePlugin",
        "PIL.BmpImagePlugin",
        "PIL.TiffImagePlugin",
        "PIL.IcoImagePlugin",
        "PIL.AvifImagePlugin",
        "PIL.Jpeg2KImagePlugin",
        "PIL.PdfImagePlugin",
        *(f"PIL.{name}ImagePlugin" for name in _RARE),
        "conversions.engines.pillow_write",
    ),
)
