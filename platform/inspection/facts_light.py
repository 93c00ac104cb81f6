"""Facts about pictures that hold light itself (Radiance, OpenEXR), which no screen shows as it is.

Read by OpenCV and by FFmpeg; the look is taken of the light's logarithm, so that any sensible way
of bringing it to a screen agrees with it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inspection.looks import look_of

CODES = ("hdr", "exr")
_DARK, _BRIGHT = 1.0, 99.0  # percent of the pixels that are left out at both ends


def of_light(path: Path, code: str) -> dict[str, Any]:
    """{width, height, frames, grid, contrast}; raises ValueError for what can't be read."""
    import cv2  # noqa: PLC0415 (loaded in the warm parent only)
    import numpy as np  # noqa: PLC0415

    cv2.setNumThreads(1)
    light = _radiance(path) if code == "hdr" else _exr(path)
    height, width = light.shape[:2]
    gray = light.astype("float32").mean(axis=2) if light.ndim == 3 else light.astype("float32")
    gray = np.nan_to_num(gray, nan=0.0, posinf=float(np.finfo("float32").max), neginf=0.0)
    top = float(np.percentile(gray, _BRIGHT)) or 1.0
    seen = np.log(np.clip(gray / top, 1e-4, 1.0))
    low = float(np.percentile(seen, _DARK))
    shown = ((seen - low) * (255.0 / max(-low, 1e-3))).clip(0, 255).astype("uint8")
    known = {"width": width, "height": height, "frames": 1, "contrast": float(shown.std())}
    return known | look_of(shown)


def _radiance(path: Path) -> Any:
    import cv2  # noqa: PLC0415

    light = cv2.imread(str(path), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
    if light is None:
        raise ValueError("not readable")
    return light


def _exr(path: Path) -> Any:
    import cv2  # noqa: PLC0415

    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    try:
        ok, pixels = video.read()
    finally:
        video.release()
    if not ok:
        raise ValueError("not readable")
    return pixels
