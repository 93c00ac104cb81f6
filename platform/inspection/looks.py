"""What a picture looks like, small enough to compare: brightness and colours of a coarse grid."""

from __future__ import annotations

from typing import Any

_TURNS = (-1, 0, 1, 2)  # quarters clockwise → OpenCV's number
GRID = 16  # brightness of 16 × 16 fields
FIELDS = 8  # blue, green and red of 8 × 8 fields
PLACES = (0.1, 0.35, 0.6, 0.85)  # of the frames that stand for an animation or film

_READ_THROUGH = 3000  # frames of a film that are all read where it can't be helped
Look = dict[str, Any]


def visible(pixels: Any, *, flat: bool = False) -> Any:
    """Bytes, gray or blue-green-red; transparency over white, as a viewer shows it."""
    if pixels.dtype.kind == "f" and pixels.size and float(pixels.max()) <= 1.0:
        pixels = pixels * 255.0  # from 0 to 1
    if pixels.dtype != "uint8":
        top = float(pixels.max()) or 1.0
        pixels = (pixels.astype("float32") * (255.0 / max(top, 255.0))).astype("uint8")
    if pixels.ndim == 2:
        return pixels
    if pixels.shape[2] == 4 and not flat:
        alpha = pixels[:, :, 3:].astype("float32") / 255.0
        over = pixels[:, :, :3] * alpha + 255.0 * (1.0 - alpha)
        pixels = over.astype("uint8")
    return pixels[:, :, :3].copy()


def look_of(pixels: Any) -> Look:
    """{grid: 256 numbers, colours: 192 numbers} of gray or blue-green-red bytes; 0–255 each."""
    import cv2  # noqa: PLC0415 (loaded in the warm parent only)

    gray = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    known: Look = {"grid": _fields(gray, GRID)}
    if pixels.ndim == 3:
        known["colours"] = _fields(pixels, FIELDS)
    return known


def clear_of(pixels: Any) -> Look:
    """{clear: opacity of the grid's fields, 0–255} where a picture of four channels has holes."""
    alpha = pixels[:, :, 3]
    top = int(alpha.max(initial=0))
    if top > 255:
        alpha = (alpha // 257).astype("uint8")
    return {} if int(alpha.min(initial=255)) >= 250 else {"clear": _fields(alpha, GRID)}


def _fields(pixels: Any, count: int) -> list[int]:
    import cv2  # noqa: PLC0415

    small = cv2.resize(pixels, (count, count), interpolation=cv2.INTER_AREA)
    return [int(value) for value in small.flatten()]


def frames_of(path: str, frames: int) -> list[Look]:
    """Looks and contrasts of the frames at ``PLACES``, by OpenCV; as many as can be read."""
    import cv2  # noqa: PLC0415

    found = []
    for share in PLACES:
        ok, animation = cv2.imreadanimation(path, start=int(share * frames), count=1)
        if ok and len(animation.frames):
            seen = visible(animation.frames[0])
            found.append(look_of(seen) | {"contrast": float(seen.std())})
    return found


def film_of(video: Any, path: str, quarters: int = 0) -> list[Look]:
    """The same of an opened film, turned clockwise as players show it."""
    import cv2  # noqa: PLC0415

    seen = _sought(video)
    if len(seen) < len(PLACES) or all((frame == seen[0]).all() for frame in seen):
        seen = _in_order(opened(path)) or seen  # a stream in which nothing can be sought
    turned = [cv2.rotate(frame, _TURNS[quarters]) if quarters else frame for frame in seen]
    return [look_of(frame) | {"contrast": float(frame.std())} for frame in turned]


def opened(path: str) -> Any:
    """A film, to be read as it lies in its file."""
    import cv2  # noqa: PLC0415

    video = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    video.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)  # not every kind of film is turned by it
    return video


def _sought(video: Any) -> list[Any]:
    """The frames of the places, by time: frames of uneven length become even ones."""
    import cv2  # noqa: PLC0415

    count, rate = video.get(cv2.CAP_PROP_FRAME_COUNT), video.get(cv2.CAP_PROP_FPS)
    found = []
    for share in PLACES:
        if count > 1 and rate > 0:
            video.set(cv2.CAP_PROP_POS_MSEC, 1000 * share * count / rate)
        ok, frame = video.read()
        if ok:
            found.append(frame)
    return found


def _in_order(video: Any) -> list[Any]:
    """The frames of the places, by reading from the first; none of a long film."""
    import cv2  # noqa: PLC0415

    count = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    places = {int(share * count) for share in PLACES}
    found = []
    for number in range(count if count <= _READ_THROUGH else 0):
        ok, frame = video.read()
        if not ok:
            break
        if number in places:
            found.append(frame)
    return found


def page_look(page: Any) -> Look:
    """A page or drawing that MuPDF has opened, painted some 300 pixels wide or high."""
    import numpy as np  # noqa: PLC0415

    dots = max(8, min(72, round(72 * 300 / max(page.rect.width, page.rect.height, 1.0))))
    picture = page.get_pixmap(dpi=dots, alpha=False)
    values: Any = np.frombuffer(picture.samples, dtype=np.uint8)
    values = values.reshape(picture.height, picture.stride)[:, : picture.width * picture.n]
    values = values.reshape(picture.height, picture.width, picture.n)
    return look_of(np.ascontiguousarray(values[:, :, ::-1]))


def quarter_turned(look: Look) -> Look:
    """The look of the same picture turned by 90 degrees, clockwise."""
    made = dict(look)
    for name, count in (("grid", GRID), ("colours", FIELDS)):
        if name in look:
            size = len(look[name]) // count**2  # numbers of one field
            fields = [look[name][at : at + size] for at in range(0, len(look[name]), size)]
            turned = [
                fields[(count - 1 - column) * count + row]
                for row in range(count)
                for column in range(count)
            ]
            made[name] = [number for field in turned for number in field]
    return made
