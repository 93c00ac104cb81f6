"""ImageMagick 6 (ImageMagick licence): rare pictures that no other engine here reads or writes.

Only a short list of its formats, each named by its coder (``viff:file``), so that no content can
choose another one; Debian's policy (no PS, PDF, XPS, MVG, URLs; memory and side limits) stays as
it is. Source: https://legacy.imagemagick.org/script/formats.php
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from conversions.engines.program import debian_version, has_bytes, nothing_written, run_program
from conversions.engines.spec import (
    EngineCall,
    EngineOptions,
    EngineResult,
    EngineSpec,
    Queue,
    Route,
    Runner,
)

PROGRAM = "/usr/bin/convert-im6.q16"
CODERS = {
    "miff": "miff",
    "mng": "mng",
    "jng": "jng",
    "viff": "viff",
    "vicar": "vicar",
    "xwd": "xwd",
    "jbig": "jbig",
    "avs": "avs",
    "mtv": "mtv",
    "otb": "otb",
    "wbmp": "wbmp",
    "pict": "pict",
    "fax": "fax",
    "psd": "psd",
    "psb": "psb",
    "pam": "pam",
    "xpm": "xpm",
    "dcx": "dcx",
    "ras": "sun",
    "png": "png",
    "jpg": "jpeg",
    "webp": "webp",
    "tiff": "tiff",
    "bmp": "bmp3",
    "gif": "gif",
    "ppm": "ppm",
    "pgm": "pgm",
    "pbm": "pbm",
    "tga": "tga",
    "pcx": "pcx",
    "sgi": "sgi",
    "dds": "dds",
    "xbm": "xbm",
    "jp2": "jp2",
    "fits": "fits",
}


class Options(EngineOptions):
    """How the picture is written."""

    quality: int | None = Field(default=None, ge=1, le=100, description="1–100 for JPG and WEBP.")
    width: int | None = Field(default=None, ge=1, le=16_000, description="Most pixels across.")
    height: int | None = Field(default=None, ge=1, le=16_000, description="Most pixels down.")
    background: str = Field(
        default="#ffffff",
        pattern=r"^#[0-9a-fA-F]{6}$",
        description="Colour behind transparent parts where the target has no transparency.",
    )


def find_version() -> str | None:
    """Version of the installed ImageMagick."""
    return debian_version("imagemagick-6.q16", PROGRAM)


_PAGED = ("tiff",)  # what stands in it is pages, not moments


def _reader(code: str) -> str:
    return "bmp" if code == "bmp" else CODERS[code]


def run(call: EngineCall) -> EngineResult:
    """One picture by one run of ``convert``, or one for each page; moments are not its business."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    call.progress(0.05, "reading")
    pages = "" if call.input_format in _PAGED else "[0]"
    arguments = ["-quiet", f"{_reader(call.input_format)}:{call.source}{pages}", "-auto-orient"]
    if options.width or options.height:  # > : never enlarge
        arguments += ["-resize", f"{options.width or ''}x{options.height or ''}>"]
    if call.output_format not in ("png", "webp", "tiff", "gif", "psd", "psb", "xpm"):
        arguments += ["-background", options.background, "-alpha", "remove", "-alpha", "off"]
    arguments += ["-colorspace", "sRGB", "-depth", "8"]
    if call.output_format in ("psd", "psb", "pam"):  # few readers take palettes and bilevel ones
        arguments += ["-type", "TrueColor" if call.output_format == "pam" else "TrueColorAlpha"]
    if call.output_format in ("jpg", "webp"):
        arguments += ["-quality", str(options.quality or 88)]
    arguments += ["-strip", "-adjoin" if call.output_format == "tiff" else "+adjoin"]
    arguments += [f"{CODERS[call.output_format]}:{call.target}"]
    argv = [PROGRAM, *arguments]
    run_program(call, argv, profile="picture", name="ImageMagick")
    call.progress(1.0, "done")
    return EngineResult(outputs=_written(call.target))


def _written(target: Path) -> tuple[Path, ...]:
    """The target, or its pages, which ``convert`` counts from 0."""
    pages = {}
    for path in target.parent.glob(f"{target.stem}-*{target.suffix}"):
        number = path.stem.rpartition("-")[2]
        if number.isdecimal():
            pages[int(number)] = path
    found = (target,) if target.exists() else tuple(pages[number] for number in sorted(pages))
    if not found or not all(map(has_bytes, found)):
        raise nothing_written("ImageMagick")
    return found


_COMMON = ("png", "jpg", "webp", "tiff", "bmp", "gif")
_RARE_IN = (
    *("miff", "mng", "jng", "viff", "vicar", "xwd", "jbig", "avs", "mtv", "otb", "wbmp", "pict"),
    *("fax", "psb", "pam", "xpm", "fits"),
)
# What Pillow reads as well, but not every kind of it: 12 bit, CMYK with masks, old compressions.
_SECOND_READER: tuple[str, ...] = (
    "tiff",
    "psd",
    "bmp",
    "tga",
    "pcx",
    "sgi",
    "dds",
    "xbm",
    "jp2",
    "ppm",
    "pgm",
)
_SECOND_READER += ("pbm", "dcx", "ras", "gif", "png", "jpg", "webp")

SPEC = EngineSpec(
    id="imagemagick",
    name="ImageMagick",
    licence="ImageMagick",
    routes=(
        Route(
            inputs=_RARE_IN,
            outputs=("png", "tiff", "webp"),
            fidelity=90,
            loses=("frames after the first", "layers", "metadata"),
        ),
        Route(
            inputs=_RARE_IN,
            outputs=("jpg", "bmp", "gif"),
            fidelity=80,
            loses=("transparency", "frames after the first", "metadata"),
        ),
        *(
            Route(
                inputs=(code,),
                outputs=tuple(one for one in _COMMON if one != code),
                fidelity=40,
                loses=("frames after the first", "layers", "metadata"),
            )
            for code in _SECOND_READER
        ),
        Route(
            inputs=_COMMON,
            outputs=("psd", "xpm", "xwd", "ras", "pam", "dcx"),
            fidelity=85,
            loses=("frames after the first", "metadata"),
        ),
    ),
    options=Options,
    runner=Runner.PROCESS,
    queue=Queue.CONVERT,
    sandbox="picture",
    seconds=0.5,
    units=1,
    find_version=find_version,
    run=run,
)
