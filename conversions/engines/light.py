"""libvips (LGPL-2.1) and NumPy: pictures that hold light itself (Radiance, OpenEXR), for screens.

What is brighter than white is brought within it by Reinhard's operator, so that neither sun nor
shade is lost; a picture that needs none stays as it is. OpenEXR: one part, red, green and blue.
Source: Reinhard et al., Photographic Tone Reproduction for Digital Images, 2002.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

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

MAX_PIXELS = 40_000_000  # NumPy holds some 40 bytes of each: 1.6 GB of the 2 that the sandbox gives
_FORMS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP", "tiff": "TIFF"}
_KEY = 0.18  # the gray that an average light becomes
_WHITE, _BURNT = 99.5, 1.02  # percent of the pixels that fit a screen; how bright they may be then


class Options(EngineOptions):
    """How light becomes colours of a screen."""

    tone: Literal["auto", "clip"] = Field(
        default="auto", description="auto: bright parts are brought within white. clip: cut off."
    )
    exposure: float = Field(
        default=0.0, ge=-12, le=12, description="Stops by which the picture becomes brighter."
    )
    quality: int = Field(default=90, ge=1, le=100, description="1–100 for JPG and WEBP.")


def find_version() -> str | None:
    """Version of the installed libvips."""
    return debian_version("libvips-tools", "vips")


def run(call: EngineCall) -> EngineResult:
    """Read by libvips, bring to a screen by NumPy in the sandboxed child."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    call.progress(0.1, "reading")
    loaded, light = call.workdir / "light-1.v", call.workdir / "light-2.v"
    loader = "radload" if call.input_format == "hdr" else "openexrload"
    _vips(call, [loader, str(call.source), str(loaded)], loaded)
    width, height, bands = _size(call, loaded)
    if call.input_format == "hdr":
        _vips(call, ["rad2float", str(loaded), str(light)], light)
        bands = 3
    else:
        _vips(call, ["cast", str(loaded), str(light), "float"], light)
    raw = call.workdir / "light.raw"
    _vips(call, ["rawsave", str(light), str(raw)], raw)
    call.progress(0.5, "converting")
    payload = {
        "raw": str(raw),
        "shape": [height, width, bands],
        "target": str(call.target),
        "form": _FORMS[call.output_format],
        **options.model_dump(),
    }
    call.in_child(f"{__name__}:shown", payload)
    for path in (loaded, light, raw):
        path.unlink(missing_ok=True)
    return EngineResult(outputs=(call.target,), facts={"width": width, "height": height})


def _vips(call: EngineCall, words: list[str], made: Path) -> None:
    argv = ["vips", "--vips-concurrency=1", *words]
    run_program(call, argv, profile="picture", name="libvips", writes=made)


def _size(call: EngineCall, loaded: Path) -> tuple[int, int, int]:
    """(width, height, bands); refuses what is too large."""
    from sandbox import runner  # noqa: PLC0415

    argv = ["vipsheader", "-a", str(loaded)]
    ended = runner.run(argv, profile="picture", workdir=call.workdir, deadline_s=20)
    pairs = (line.partition(": ") for line in ended.stdout_tail.splitlines())
    told = {name: value.strip() for name, _, value in pairs}
    if not all(told.get(name, "").isdecimal() for name in ("width", "height", "bands")):
        raise InputRejected("The picture is damaged or cut off.")
    width, height = int(told["width"]), int(told["height"])
    if width * height > MAX_PIXELS:
        text = f"The picture has {width * height // 1_000_000} megapixels; at most 40 are allowed."
        raise LimitExceeded(text)
    return width, height, int(told["bands"])


def shown(payload: dict[str, Any], report: Callable[[float, str], None]) -> dict[str, Any]:
    """In the sandboxed child: write the picture of plain floats as a screen shows it."""
    import numpy as np  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    light = np.fromfile(payload["raw"], dtype="float32").reshape(payload["shape"])
    light = light[:, :, :3] if light.shape[2] >= 3 else np.repeat(light[:, :, :1], 3, axis=2)
    light = np.nan_to_num(light, nan=0.0, posinf=65_504.0, neginf=0.0).clip(0.0, None)
    light = on_screen(light * np.float32(2.0 ** payload["exposure"]), payload["tone"])
    Image.fromarray(light).save(payload["target"], payload["form"], quality=payload["quality"])
    return {}


def on_screen(light: Any, tone: str) -> Any:
    """Bytes in sRGB of linear light, (height, width, 3)."""
    import numpy as np  # noqa: PLC0415

    gray = light @ np.array([0.2126, 0.7152, 0.0722], dtype="float32")
    if tone == "auto" and gray.size and float(np.percentile(gray, _WHITE)) > _BURNT:
        average = float(np.exp(np.log(gray + 1e-6).mean()))
        scale = np.float32(_KEY / max(average, 1e-6))
        white = max(float(np.percentile(gray, _WHITE)) * float(scale), 1.0)
        mapped = gray * scale
        share = (1 + mapped / np.float32(white * white)) / (1 + mapped) * scale
        light = light * share[:, :, None]
    light = light.clip(0.0, 1.0)
    low, high = light * np.float32(12.92), np.float32(1.055) * light ** np.float32(1 / 2.4)
    seen = np.where(light <= 0.0031308, low, high - np.float32(0.055))
    return (seen * 255 + np.float32(0.5)).astype("uint8")


SPEC = EngineSpec(
    id="light",
    name="libvips, for light",
    licence="LGPL-2.1-or-later",
    routes=(
        Route(
            inputs=("hdr", "exr"),
            outputs=("png", "tiff"),
            fidelity=75,
            loses=("light beyond a screen's white", "transparency", "metadata"),
            options=("tone", "exposure"),
        ),
        Route(
            inputs=("hdr", "exr"),
            outputs=("jpg", "webp"),
            fidelity=74,
            loses=("light beyond a screen's white", "transparency", "metadata"),
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
