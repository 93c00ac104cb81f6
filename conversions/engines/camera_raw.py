"""LibRaw (LGPL-2.1, by rawpy, MIT): what a camera's sensor counted, made into a picture.

LibRaw makes a picture even of a file that was cut off and says nothing, so that each file's own
directories are held against its length first. Not read: negatives packed by JPEG XL (DNG 1.7).
Source: https://letmaik.github.io/rawpy/api/ , https://www.libraw.org/docs , ADR 0036.
"""

from __future__ import annotations

import importlib.metadata
from typing import Any, Literal

from pydantic import Field

from conversions.engines.spec import (
    EngineCall,
    EngineError,
    EngineOptions,
    EngineResult,
    EngineSpec,
    InputRejected,
    LimitExceeded,
    Queue,
    Route,
    Runner,
)
from inspection import raws, tiff_tree

MAX_PIXELS = 130_000_000  # developed and read again within the sandbox; 160 were not (measured)
_TOO_LARGE = "The picture needs more memory than allowed."
_FORMS = {"jpg": "JPEG", "png": "PNG", "tiff": "TIFF", "webp": "WEBP"}
_UPRIGHT, _UPSIDE, _SIDES, _ACROSS = (
    0,
    2,
    1,
    4,
)  # bits of LibRaw's flip


class Options(EngineOptions):
    """How the picture is developed and written."""

    white_balance: Literal["camera", "auto", "daylight"] = Field(
        default="camera", description="camera: as it was set there. auto: from the picture."
    )
    brightness: Literal["auto", "as_shot"] = Field(
        default="auto", description="auto: the lightest 1 % becomes white. as_shot: as exposed."
    )
    quality: int = Field(default=92, ge=1, le=100, description="1–100 for JPG and WEBP.")


def find_version() -> str | None:
    """Version of the installed rawpy, which brings its LibRaw."""
    try:
        return importlib.metadata.version("rawpy")
    except importlib.metadata.PackageNotFoundError:
        return None


def run(call: EngineCall) -> EngineResult:
    """Develop one picture, upright and cropped as its file asks. Runs in a sandboxed child."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    call.progress(0.05, "reading")
    tree = tiff_tree.read(call.source)
    _refuse(call, tree)
    pixels = _developed(call, options, tree)
    call.progress(0.8, "writing")
    _save(call, options, pixels)
    height, width = pixels.shape[:2]
    empty = raws.ends_empty(call.source, tree)
    warnings = ("The file ends in zeros: the lower part of the picture may be missing.",)
    return EngineResult(
        outputs=(call.target,),
        warnings=warnings if empty else (),
        facts={"width": width, "height": height},
    )


def _refuse(call: EngineCall, tree: tiff_tree.Tree) -> None:
    """What is too large, and what LibRaw would make a black or torn picture of."""
    sizes = [one.size() for one in tree.directories]
    area = max((width * height for width, height in sizes), default=0)
    if area > MAX_PIXELS:
        text = f"The picture has {area // 1_000_000} megapixels; at most 130 are allowed."
        raise LimitExceeded(text)
    missing = raws.fault(call.source, tree)
    if missing:
        raise InputRejected(missing)


def _developed(call: EngineCall, options: Options, tree: tiff_tree.Tree) -> Any:
    """(height, width, 3) bytes: red, green, blue."""
    import rawpy  # noqa: PLC0415 (imported in the sandboxed child only)

    try:
        with rawpy.imread(str(call.source)) as raw:
            call.progress(0.2, "developing")
            flip, seen = raw.sizes.flip, (raw.sizes.width, raw.sizes.height)
            pixels = raw.postprocess(
                use_camera_wb=options.white_balance == "camera",
                use_auto_wb=options.white_balance == "auto",
                no_auto_bright=options.brightness == "as_shot",
                output_color=rawpy.ColorSpace.sRGB,
                user_flip=_UPRIGHT,
            )
    except (rawpy.LibRawFileUnsupportedError, rawpy.NotSupportedError) as error:
        text = "Negatives that are packed this way can't be read."
        raise EngineError(text, detail=str(error)) from error
    except (rawpy.LibRawUnsufficientMemoryError, rawpy.LibRawTooBigError) as error:
        raise LimitExceeded(_TOO_LARGE, code="memory_exceeded", detail=str(error)) from error
    except rawpy.LibRawError as error:
        raise InputRejected("The picture is damaged or cut off.", detail=str(error)) from error
    pixels = _of_three(pixels)
    main = raws.main_of(tree)
    crop = raws.crop_of(main) if main else None
    if crop:
        # Of a sensor whose pixels are no squares, LibRaw has stretched one side already.
        across, down = pixels.shape[1] / seen[0], pixels.shape[0] / seen[1]
        left, width = round(crop[0] * across), round(crop[2] * across)
        top, height = round(crop[1] * down), round(crop[3] * down)
        pixels = pixels[top : top + height, left : left + width]
    return turned(pixels, flip)


def _of_three(pixels: Any) -> Any:
    """Gray sensors give one channel; no more than three is known what to do with."""
    import numpy as np  # noqa: PLC0415

    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
        raise InputRejected("The picture is damaged: its colours are not known.")
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels


def turned(pixels: Any, flip: int) -> Any:
    """Pixels as LibRaw's flip asks: mirrored as they lie, then across."""
    import numpy as np  # noqa: PLC0415

    pixels = pixels[::-1] if flip & _UPSIDE else pixels
    pixels = pixels[:, ::-1] if flip & _SIDES else pixels
    pixels = pixels.transpose(1, 0, 2) if flip & _ACROSS else pixels
    return np.ascontiguousarray(pixels)


def _save(call: EngineCall, options: Options, pixels: Any) -> None:
    from PIL import Image  # noqa: PLC0415

    if call.output_format == "webp" and max(pixels.shape[:2]) > 16_383:
        raise LimitExceeded("WEBP holds at most 16,383 pixels a side.")
    more: dict[str, Any] = {"quality": options.quality}
    if call.output_format in ("png", "tiff"):
        more = {"compress_level": 4} if call.output_format == "png" else {"compression": "tiff_lzw"}
    Image.fromarray(pixels).save(call.target, _FORMS[call.output_format], **more)


SPEC = EngineSpec(
    id="camera_raw",
    name="LibRaw",
    licence="LGPL-2.1-or-later",
    routes=(
        Route(
            inputs=raws.CODES,
            outputs=("png", "tiff"),
            fidelity=85,
            loses=("the sensor's own range", "metadata", "the camera's own style"),
            options=("white_balance", "brightness"),
        ),
        Route(
            inputs=raws.CODES,
            outputs=("jpg", "webp"),
            fidelity=83,
            loses=("the sensor's own range", "metadata", "the camera's own style"),
        ),
    ),
    options=Options,
    runner=Runner.PYTHON,
    queue=Queue.CONVERT,
    sandbox="image",
    seconds=3.0,
    units=2,
    find_version=find_version,
    run=run,
    preload=("rawpy", "numpy", "PIL.Image"),
)
