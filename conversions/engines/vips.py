"""libvips (LGPL-2.1): JPEG XL and HEIC pictures, and kinds of others that Pillow can't read.

Works through a picture in strips, so that its memory stays small. Loader and saver are named, never
guessed from the content. Source: https://www.libvips.org/API/current/using-cli.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field

from conversions.engines.program import debian_version, run_program
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

_LOADERS = {
    "jxl": "jxlload",
    "heic": "heifload",
    "heif": "heifload",
    "avif": "heifload",
    "png": "pngload",
    "jpg": "jpegload",
    "webp": "webpload",
    "tiff": "tiffload",
    "gif": "gifload",
    "jp2": "jp2kload",
    "ppm": "ppmload",
    "pgm": "ppmload",
}
_QUALITY = {"jpg": 85, "webp": 82, "avif": 75, "heic": 75, "heif": 75, "jxl": 90}


MAX_PIXELS = 268_000_000
MAX_PAGES = 500
EASY_PIXELS = 4_000_000


class Options(EngineOptions):
    """How the picture is written."""

    quality: int | None = Field(
        default=None, ge=1, le=100, description="1–100 for JPG, WEBP, AVIF, HEIC and JXL."
    )
    lossless: bool = Field(default=False, description="Lossless JXL, HEIC, AVIF or WEBP.")
    background: str = Field(
        default="#ffffff",
        pattern=r"^#[0-9a-fA-F]{6}$",
        description="Colour behind transparent parts where the target has no transparency.",
    )
    metadata: Literal["keep", "strip"] = Field(
        default="strip", description="keep: EXIF stays. strip: only the colour profile stays."
    )


def find_version() -> str | None:
    """Version of the installed libvips."""
    return debian_version("libvips-tools", "vips")


def _saver(code: str, options: Options, area: int) -> str:
    """The bracketed save options of a target, for this many pixels."""
    words = []
    if code in _QUALITY:
        words.append(f"Q={options.quality or _QUALITY[code]}")
    if options.lossless and code in ("jxl", "heic", "heif", "avif", "webp"):
        words.append("lossless=true")
    if code == "jxl" and area > EASY_PIXELS:
        words.append("effort=3")  # 12 megapixels: 3.5 s of CPU, 7.4 s at the usual 7; as small
    if code == "avif":
        words.append("compression=av1")
    if code in ("heic", "heif"):
        words.append("compression=hevc")
    if options.metadata == "strip" and code != "ppm":
        words.append("strip=true")
    return f"[{','.join(words)}]" if words else ""


def run(call: EngineCall) -> EngineResult:
    """Load, bring into the target's colours, save; one result for each page of a TIFF."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    call.progress(0.05, "reading")
    pages = _pages(call) if call.input_format == "tiff" else 1
    outputs = []
    for page in range(pages):
        stem = f"{call.target.stem}-{page + 1}" if pages > 1 else call.target.stem
        outputs.append(call.target.with_stem(stem))
        _one(call, options, page, outputs[-1])
        call.progress((page + 1) / pages, "converting")
    return EngineResult(outputs=tuple(outputs))


def _one(call: EngineCall, options: Options, page: int, target: Path) -> None:
    at = call.workdir / "vips-1.v"
    chosen = ["--page", str(page)] if page else []
    _vips([_LOADERS[call.input_format], str(call.source), str(at), *chosen], call, at)
    head = _header(call, at)
    for number, step in enumerate(_steps(call, options, at, head), 2):
        following = call.workdir / f"vips-{number}.v"
        _vips([step[0], str(at), str(following), *step[1:]], call, following)
        at.unlink()
        at = following
    suffix = {"heif": "heic", "jpg": "jpg"}.get(call.output_format, call.output_format)
    made = call.workdir / f"vips-made.{suffix}"
    _vips(["copy", str(at), f"{made}{_saver(call.output_format, options, head.area)}"], call, made)
    at.unlink()
    made.rename(target)


def _pages(call: EngineCall) -> int:
    words = _fields(call, call.source).get("n-pages", "")
    return min(int(words), MAX_PAGES) if words.isdecimal() else 1


def _vips(words: list[str], call: EngineCall, made: Path) -> None:
    argv = ["vips", "--vips-concurrency=1", *words]
    run_program(call, argv, profile="picture", name="libvips", writes=made)


def _steps(call: EngineCall, options: Options, loaded: Path, head: _Head) -> list[list[str]]:
    """Upright, in sRGB where it was CMYK, flat where the target has no transparency."""
    # HEIF turns by boxes of its own, which the loader has done: its EXIF says nothing more.
    steps = [] if call.input_format in ("heic", "heif") else [["autorot"]]
    bands, colours = head.bands, head.colours
    if head.numbers == "float" and call.input_format == "jxl":
        # Its loader calls them linear; the 8 bit twin of a file shows that they follow sRGB.
        steps += [["linear", "255", "0"], ["cast", "uchar"]]
        steps.append(["copy", "--interpretation", "srgb" if bands > 2 else "b-w"])
    if colours == "cmyk":
        steps.append(["colourspace", "srgb"])
    elif call.output_format in ("jpg", "ppm") and bands in (2, 4):
        levels = [str(int(options.background[i : i + 2], 16)) for i in (1, 3, 5)]
        ground = " ".join(levels if bands == 4 else levels[:1])
        steps.append(["flatten", "--background", ground])
    return steps


class _Head(NamedTuple):
    """Pixels, bands, colour space and kind of numbers of a loaded picture."""

    area: int
    bands: int
    colours: str
    numbers: str


def _header(call: EngineCall, loaded: Path) -> _Head:
    """The head of a loaded picture; refuses what is too large."""
    told = _fields(call, loaded)
    if not all(told.get(name, "").isdecimal() for name in ("width", "height", "bands")):
        raise InputRejected("The picture is damaged or cut off.")
    area = int(told["width"]) * int(told["height"])
    if area > MAX_PIXELS:
        text = f"The picture has {area // 1_000_000} megapixels; at most 268 are allowed."
        raise LimitExceeded(text)
    colours, numbers = told.get("interpretation", ""), told.get("format", "")
    return _Head(area, int(told["bands"]), colours, numbers)


def _fields(call: EngineCall, path: Path) -> dict[str, str]:
    """What vipsheader tells, all at once: a page costs four programs, not seven."""
    from sandbox import runner  # noqa: PLC0415

    argv = ["vipsheader", "-a", str(path)]
    ended = runner.run(argv, profile="picture", workdir=call.workdir, deadline_s=20)
    pairs = (line.partition(": ") for line in ended.stdout_tail.splitlines())
    return {name: value.strip() for name, _, value in pairs}


_ORDINARY = ("png", "jpg", "webp", "tiff", "gif", "jp2", "avif", "ppm", "pgm")
_RARE = ("jxl",)

SPEC = EngineSpec(
    id="vips",
    name="libvips",
    licence="LGPL-2.1-or-later",
    routes=(
        Route(
            inputs=(*_ORDINARY, "heic", "heif"),
            outputs=("jxl", "heic", "heif"),
            fidelity=95,
            loses=("metadata unless kept", "frames after the first"),
        ),
        Route(
            inputs=("heic", "heif"),
            outputs=("png", "tiff", "webp", "avif", "gif"),
            fidelity=97,
            loses=("metadata unless kept", "pictures after the first"),
        ),
        *(  # kinds that Pillow can't read: 12 bit, floating point
            Route(
                inputs=(code,),
                outputs=tuple(one for one in ("png", "tiff", "webp", "jpg") if one != code),
                fidelity=50,
                loses=("metadata unless kept", "frames after the first"),
            )
            for code in ("avif", "jp2", "tiff")
        ),
        Route(
            inputs=("heic", "heif"),
            outputs=("jpg", "ppm"),
            fidelity=92,
            loses=("transparency", "pictures after the first"),
        ),
        Route(
            inputs=_RARE,
            outputs=("png", "tiff", "webp", "heic", "heif", "jxl", "avif", "gif"),
            fidelity=93,
            loses=("metadata unless kept",),
        ),
        Route(
            inputs=_RARE,
            outputs=("jpg", "ppm"),
            fidelity=88,
            loses=("transparency",),
        ),
    ),
    options=Options,
    runner=Runner.PROCESS,
    queue=Queue.CONVERT,
    sandbox="picture",
    seconds=0.4,
    units=1,
    find_version=find_version,
    run=run,
)
