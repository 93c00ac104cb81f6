"""What a picture looks like, small enough to be compared: brightness and colours of a coarse grid."""

from __future__ import annotations

from typing import Any

GRID = 16  # brightness of 16 × 16 fields
FIELDS = 8  # blue, green and red of 8 × 8 fields
PLACES = (0.1, 0.35, 0.6, 0.85)  # of the frames that stand for an animation or film

Look = dict[str, Any]


def look_of(pixels: Any) -> Look:
    """{grid: 256 numbers, colours: 192 numbers} of gray or blue-green-red bytes; 0–255 each."""
    import cv2  # noqa: PLC0415 (loaded in the warm parent only)

    gray = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    known: Look = {"grid": _fields(gray, GRID)}
    if pixels.ndim == 3:
        known["colours"] = _fields(pixels, FIELDS)
    return known


def _fields(pixels: Any, count: int) -> list[int]:
    import cv2  # noqa: PLC0415

    small = cv2.resize(pixels, (count, count), interpolation=cv2.INTER_AREA)
    return [int(value) for value in small.flatten()]


def frames_of(path: str, frames: int) -> list[Look]:
    """Looks and contrasts of the frames at ``PLACES``, by OpenCV; as many as can be read."""
    import cv2  # noqa: PLC0415

    found = []
    for share in PLACES:
        ok, pictures = cv2.imreadmulti(path, start=int(share * frames), count=1)
        if ok and len(pictures):
            one = pictures[0]
            found.append(look_of(one) | {"contrast": float(one.std())})
    return found


def film_of(video: Any) -> list[Look]:
    """The same of a film that OpenCV has opened."""
    import cv2  # noqa: PLC0415

    count = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    found = []
    for share in PLACES:
        if count > 1:
            video.set(cv2.CAP_PROP_POS_FRAMES, int(share * count))
        ok, frame = video.read()
        if ok:
            found.append(look_of(frame) | {"contrast": float(frame.std())})
    return found
