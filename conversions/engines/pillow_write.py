"""Writing for the Pillow engine: size, colour mode and the save options of each target."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conversions.engines.pillow_frames import PLUGIN, Frames, invert_bits
from conversions.engines.spec import EngineCall, OptionUnsupported

if TYPE_CHECKING:
    from PIL import Image

    from conversions.engines.pillow import Options

_MOVING = {"gif", "webp", "png", "apng", "avif"}  # targets that hold an animation
_PAGED = {"tiff", "pdf"}  # targets that hold pages
_ALPHA = {
    *("png", "apng", "webp", "tiff", "ico", "icns", "gif", "avif"),
    *("jp2", "j2k", "tga", "sgi", "dds", "qoi"),
}
_SIXTEEN = {"png", "apng", "tiff"}
_BILEVEL = {"xbm", "msp", "pbm"}
_GRAY = {"pgm", "bw"}
_COLOUR = {"webp", "avif", "ppm", "dds", "qoi", "dib"}  # no gray of their own
_ONE_BIT = {"png", "apng", "tiff", "bmp", "pdf", "pcx", *_BILEVEL}
_PROFILED = {"jpg", "png", "apng", "webp", "tiff", "avif"}
_CLEAR_BELOW = 8  # of 255: what nobody sees
_ICO_SIDES = (16, 24, 32, 48, 64, 128, 256)


def write(frames: Frames, call: EngineCall, options: Options) -> tuple[list[Path], list[str]]:
    """Write the target, or one file per page where pages can't share a file."""
    code, warnings = call.output_format, []
    keeps_all = code in _PAGED or (code in _MOVING and not frames.pages)
    if frames.count == 1 or keeps_all:
        _save(frames, range(frames.skipped, frames.count), call.target, call, options)
        outputs = [call.target]
    elif frames.pages:
        outputs = []
        for number in range(frames.count):
            target = call.target.with_stem(f"{call.target.stem}-{number + 1}")
            _save(frames, range(number, number + 1), target, call, options)
            outputs.append(target)
            call.progress((number + 1) / frames.count, "writing")
    else:
        _save(frames, range(1), call.target, call, options)
        outputs = [call.target]
        warnings.append(f"Only the first of {frames.count} frames is kept.")
    side = max(frames.width, frames.height)
    if code == "ico" and side > 256:
        warnings.append("Icons hold at most 256×256 pixels; the picture was made smaller.")
    return outputs, warnings


def _save(frames: Frames, numbers: range, target: Path, call: EngineCall, options: Options) -> None:
    code = call.output_format

    def prepared() -> Iterator[Image.Image]:
        for done, number in enumerate(numbers, 1):
            yield _shape(_resize(frames.frame(number), options), code, options)
            call.progress(0.1 + 0.8 * done / len(numbers), "converting")

    stream = prepared()
    first = next(stream)
    extra = _save_options(frames, code, options, first)
    if len(numbers) > 1:
        extra |= {"save_all": True, "append_images": stream}
        if code in ("png", "apng"):  # its saver walks through the frames twice
            extra["append_images"] = list(stream)
        if code in _MOVING:
            extra |= _motion(frames, numbers, code, first)
    if code == "pdf":
        extra["append_images"] = list(extra.get("append_images", ()))
    first.info.pop("icc_profile", None)  # savers would take it by themselves, also a wrong one
    first.save(target, PLUGIN.get(code, code.upper()), **extra)


def _motion(frames: Frames, numbers: range, code: str, first: Image.Image) -> dict[str, Any]:
    made = {"duration": frames.durations(numbers), "loop": frames.image.info.get("loop", 0)}
    if code == "gif" and first.mode == "RGBA":
        made["disposal"] = 2  # else parts of older frames shine through
    return made


def _resize(image: Image.Image, options: Options) -> Image.Image:
    from PIL import Image, ImageOps  # noqa: PLC0415 (imported in the sandboxed child only)

    if not options.width and not options.height:
        return image
    width, height = image.size
    ratio = width / height
    wide = options.width or max(1, round((options.height or height) * ratio))
    high = options.height or max(1, round((options.width or width) / ratio))
    if wide * high > 268_000_000:
        raise OptionUnsupported("The size asked for is over 268 megapixels.")
    if image.mode == "1":
        image = image.convert("L")
    method = Image.Resampling.LANCZOS if image.mode != "I;16" else Image.Resampling.BICUBIC
    if options.fit == "crop":
        return ImageOps.fit(image, (wide, high), method)
    if options.fit == "max":
        share = min(wide / width, high / height, 1.0)
        wide, high = max(1, round(width * share)), max(1, round(height * share))
    return image if (wide, high) == image.size else image.resize((wide, high), method)


def _shape(image: Image.Image, code: str, options: Options) -> Image.Image:
    """Bring a frame into a mode that the target can hold."""
    from PIL import Image  # noqa: PLC0415

    if image.mode == "I;16" and code not in _SIXTEEN:
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode in ("LA", "RGBA") and code not in _ALPHA:
        solid = Image.new("RGBA", image.size, options.background)
        image = Image.alpha_composite(solid, image.convert("RGBA")).convert("RGB")
    if image.mode == "LA" and code not in ("png", "apng"):
        image = image.convert("RGBA")
    if code == "gif" and image.mode == "RGBA":
        image = _half_clear(image, options.background)
    return _of_target(image, code)


def _half_clear(image: Image.Image, background: str) -> Image.Image:
    """GIF knows clear and solid only: soft edges and shadows are laid on the background."""
    from PIL import Image  # noqa: PLC0415

    opacity = image.getchannel("A")
    made = Image.alpha_composite(Image.new("RGBA", image.size, background), image)
    made.putalpha(opacity.point(lambda value: 255 if value >= _CLEAR_BELOW else 0))
    return made


def _of_target(image: Image.Image, code: str) -> Image.Image:
    """Depth, colours and size that some targets insist on."""
    from PIL import Image  # noqa: PLC0415

    if code in _BILEVEL:
        return invert_bits(image) if code == "xbm" else image.convert("1")
    if (image.mode == "1" and code not in _ONE_BIT) or code in _GRAY:
        image = image.convert("L")
    if code in _COLOUR and image.mode == "L":
        image = image.convert("RGB")
    if code == "ico":
        image = image.convert("RGBA")
        image.thumbnail((256, 256), Image.Resampling.LANCZOS)
    return _square(image) if code == "icns" else image


def _square(image: Image.Image) -> Image.Image:
    """Apple icons are square: clear margins, never a stretched picture."""
    from PIL import Image, ImageOps  # noqa: PLC0415

    clear = image.convert("RGBA")
    clear.thumbnail((1024, 1024), Image.Resampling.LANCZOS)
    side = max(clear.size)
    return ImageOps.pad(clear, (side, side), color=(0, 0, 0, 0))


def _save_options(  # noqa: C901 (a table of formats)
    frames: Frames, code: str, options: Options, image: Image.Image
) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    if code == "jpg":
        extra = {"quality": options.quality or 85, "optimize": True}
    elif code in ("webp", "avif"):
        extra = _modern(code, options)
    elif code in ("jp2", "j2k"):
        extra = {"no_jp2": code == "j2k"}
        if options.quality:  # as a ratio, 1 is lossless
            extra |= {"quality_layers": [max(1, (101 - options.quality) / 2)], "irreversible": True}
    elif code in ("png", "apng"):
        extra = {"compress_level": options.compression_level}
    elif code == "tiff":
        extra = {"compression": "group4" if image.mode == "1" else "tiff_adobe_deflate"}
    elif code == "ico":
        sides = [side for side in _ICO_SIDES if side < max(image.size)]
        extra = {"sizes": [*((side, side) for side in sides), image.size]}
    elif code == "pdf":
        quality = {} if image.mode == "1" else {"quality": options.quality or 90}
        return {"resolution": float(options.dpi or _dpi(frames)), **quality}
    return extra | _kept(frames, code, options, image)


def _modern(code: str, options: Options) -> dict[str, Any]:
    extra: dict[str, Any] = {"quality": options.quality or (82 if code == "webp" else 75)}
    if options.lossless and code == "webp":
        extra["lossless"] = True
    elif options.lossless and code == "avif":
        extra |= {"quality": 100, "subsampling": "4:4:4"}
    if code == "avif":
        extra["max_threads"] = 1  # the sandboxed child can't start threads
    return extra


def _kept(frames: Frames, code: str, options: Options, image: Image.Image) -> dict[str, Any]:
    """Colour profile where it still fits the mode; EXIF when asked for; resolution."""
    kept: dict[str, Any] = {}
    was_cmyk = frames.image.mode not in ("RGB", "RGBA", "P", "L", "LA", "1", "I;16", "PA")
    if frames.icc and code in _PROFILED and not was_cmyk:
        kept["icc_profile"] = frames.icc
    if options.metadata == "keep" and code in _PROFILED:
        exif = frames.exif
        exif.pop(0x0112, None)  # the frames are upright now
        if len(exif):
            kept["exif"] = exif.tobytes()
    dpi = options.dpi or (_dpi(frames) if "dpi" in frames.image.info else None)
    if dpi and code in ("jpg", "png", "tiff", "bmp"):
        kept["dpi"] = (dpi, dpi)
    return kept


def _dpi(frames: Frames) -> int:
    noted = frames.image.info.get("dpi", (96, 96))
    first = next(itertools.chain(noted if isinstance(noted, tuple) else (noted,)))
    # libvips writes 25.4 (a pixel a millimetre) where nothing is known.
    known = 26 <= float(first) <= 2400
    return round(float(first)) if known else 96
