"""Facts about pictures: size as seen (upright), frames, blankness, and a coarse likeness."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from inspection.entities import unfolded
from inspection.heif import Turn, turned, turns_of
from inspection.looks import clear_of, film_of, frames_of, look_of, opened, visible

_MOST_FRAMES, _MOST_PIXELS = 400, 400_000_000  # of animations whose later frames are looked at
_ONE = {"ico", "icns", "psd"}  # further frames are sizes or layers
_DRAWN = 300  # pixels of the longer side of a drawing that is looked at
_GRID = 8  # likeness: mean brightness of 8 × 8 fields


def _signature(gray: Any) -> dict[str, Any]:
    import cv2  # noqa: PLC0415 (loaded in the warm parent only)

    small = cv2.resize(gray, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
    return {"likeness": [int(v) for v in small.flatten()], "contrast": float(gray.std())}


def _to_gray(pixels: Any, *, flat: bool = False) -> Any:
    import cv2  # noqa: PLC0415

    seen = visible(pixels, flat=flat)
    return seen if seen.ndim == 2 else cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY)


def _seen(pixels: Any) -> dict[str, Any]:
    """Signature and look of pixels as OpenCV gives them."""
    seen = visible(pixels)
    known = _signature(_to_gray(pixels)) | look_of(seen)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        known |= clear_of(pixels)
        flat = visible(pixels, flat=True)
        known["likeness_flat"] = _signature(_to_gray(pixels, flat=True))["likeness"]
        known |= {f"{name}_flat": value for name, value in look_of(flat).items()}
    return known


def _is_turned(path: Path) -> bool:
    from PIL import Image  # noqa: PLC0415

    try:
        with Image.open(path) as image:
            return int(image.getexif().get(0x0112, 1)) in range(2, 9)
    except (OSError, SyntaxError, ValueError):
        return False


def by_cv2(path: Path, code: str) -> dict[str, Any]:
    """By OpenCV, which turns pictures upright by itself unless told to keep them unchanged."""
    import cv2  # noqa: PLC0415

    cv2.setNumThreads(1)
    name = str(path)
    turns = _turns(path, code)
    pixels = cv2.imread(name, _flags(code))
    if pixels is None:
        raise ValueError("not readable")
    if pixels.ndim == 2 and code == "png" and b"tRNS" in path.read_bytes()[:4096]:
        raise ValueError("one gray is clear, which this reader does not show")
    if pixels.ndim == 3 and pixels.shape[2] == 2:
        pixels = pixels[:, :, [0, 0, 0, 1]]  # gray, and how solid
    if code == "pam" and pixels.ndim == 3:
        pixels = pixels[:, :, ::-1]  # OpenCV leaves the order of this one's colours
    pixels = turned(pixels, turns)
    frames = max(1, int(cv2.imcount(name))) if code in _MOVING else 1
    height, width = pixels.shape[:2]
    known = {"width": width, "height": height, "frames": frames} | _seen(pixels)
    if code == "bmp":  # its fourth channel is rarely transparency, and is not asked for
        known["alpha_ignored"] = True
    if not turns and 1 < frames <= _MOST_FRAMES and width * height * frames <= _MOST_PIXELS:
        known["frame_looks"] = frames_of(name, frames)
    elif code == "gif" and frames > 1:  # a film: each place would be read from the first frame
        known["frame_looks"] = film_of(opened(name), name)
    return known


_MOVING = ("gif", "webp", "tiff", "png", "apng", "avif")


def _flags(code: str) -> int:
    import cv2  # noqa: PLC0415

    unchanged = (*_MOVING, "jp2", "j2k")
    plain = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR
    return int(cv2.IMREAD_UNCHANGED if code in unchanged else plain)


def _turns(path: Path, code: str) -> list[Turn]:
    """What OpenCV leaves to us; raises ValueError for what another reader must do."""
    turns = turns_of(path) if code == "avif" else []
    if turns is None:
        raise ValueError("cut by a property that this reader does not know")
    if code in ("webp", "png", "apng", "tiff") and _is_turned(path):
        raise ValueError("turned by EXIF, which is ignored when all channels are read")
    return turns


def by_cv2_video(path: Path, code: str, *, turns: Iterable[Turn] = ()) -> dict[str, Any]:
    """By the FFmpeg inside OpenCV, which knows rare pictures, without their transparency."""
    import cv2  # noqa: PLC0415

    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    try:
        ok, pixels = video.read()
    finally:
        video.release()
    if not ok:
        raise ValueError("not readable")
    pixels = turned(pixels, turns)
    height, width = pixels.shape[:2]
    known = {"width": width, "height": height, "frames": 1, "alpha_ignored": True}
    return known | _seen(pixels)


def by_pillow(path: Path, code: str) -> dict[str, Any]:
    """By Pillow, for sources and for what OpenCV can't read."""
    import numpy as np  # noqa: PLC0415
    from PIL import Image, ImageOps  # noqa: PLC0415

    Image.MAX_IMAGE_PIXELS = None
    with Image.open(path) as image:
        frames = 1 if code in _ONE else int(getattr(image, "n_frames", 1))
        mode, info = image.mode, image.info
        first = ImageOps.exif_transpose(image)
        alpha = "A" in first.mode or "transparency" in info
        width, height = first.size
        if first.mode.startswith("I;16") or first.mode == "I":
            gray = (np.asarray(first).astype("int64").clip(0, 65535) >> 8).astype("uint8")
            plain = seen = gray
        else:
            flat = first.convert("RGBA")
            solid = Image.new("RGBA", flat.size, "white")
            over = Image.alpha_composite(solid, flat)
            gray = np.asarray(over.convert("L"))
            plain = np.asarray(flat.convert("RGB").convert("L"))
            seen = np.asarray(over.convert("RGB"))[:, :, ::-1].copy()
    known = {"width": width, "height": height, "frames": frames, "mode": mode, "alpha": alpha}
    flat_look = {"likeness_flat": _signature(plain)["likeness"]} if alpha else {}
    flat_look |= {"grid_flat": look_of(plain)["grid"]} if alpha else {}
    return known | flat_look | _signature(gray) | look_of(seen)


def ico_by_hand(path: Path, code: str) -> dict[str, Any]:
    """The directory of an icon and the head of its largest picture."""
    data = path.read_bytes()[: 16 << 20]
    reserved, kind, count = struct.unpack_from("<HHH", data)
    if (reserved, kind) != (0, 1) or not count:
        raise ValueError("no icon")
    sizes = []
    for number in range(count):
        wide, high, _, _, _, _, length, place = struct.unpack_from(
            "<BBBBHHII", data, 6 + 16 * number
        )
        if place + length > len(data):
            raise ValueError("cut off")
        picture = data[place : place + length]
        wide, high = wide or 256, high or 256
        if picture.startswith(b"\x89PNG"):
            wide, high = struct.unpack_from(">II", picture, 16)
            if b"IEND" not in picture[-16:]:
                raise ValueError("cut off")
        sizes.append((wide, high))
    width, height = max(sizes)
    return {"width": width, "height": height, "frames": 1, "sizes": count} | _ico_look(path)


def svg_by_hand(path: Path, code: str) -> dict[str, Any]:
    """Size of a drawing in pixels, as its root tells, and what it is made of."""
    import gzip  # noqa: PLC0415

    from defusedxml.ElementTree import fromstring  # noqa: PLC0415

    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        with gzip.open(path) as stream:
            data = stream.read(64 << 20)
    data = _without_entities(data)
    root = fromstring(data)
    if root.tag.rpartition("}")[2] != "svg":
        raise ValueError("no drawing")
    shapes = sum(_is_shape(one) for one in root.iter())
    known: dict[str, Any] = {"frames": 1, "shapes": shapes}
    box = [float(n) for n in re.split(r"[\s,]+", root.get("viewBox", "").strip()) if n]
    wide, high = _pixels(root.get("width")), _pixels(root.get("height"))
    if any(_RELATIVE.search(root.get(name, "")) for name in ("width", "height")):
        return known | _drawn(data, wide, high)  # to a font or window that each viewer chooses
    if len(box) == 4 and box[2] > 0 and box[3] > 0:
        wide = wide or (high * box[2] / box[3] if high else box[2])
        high = high or wide * box[3] / box[2]
    if wide and high:
        known |= {"width": max(1, round(wide)), "height": max(1, round(high))}
    return known | _drawn(data, wide, high)


def _without_entities(data: bytes) -> bytes:
    return unfolded(data.decode()).encode() if b"<!ENTITY" in data[:16_384] else data


def _drawn(data: bytes, wide: float | None, high: float | None) -> dict[str, Any]:
    """The look of a drawing as resvg draws it, which shares no code with librsvg."""
    import cv2  # noqa: PLC0415 (loaded in the warm parent only)
    import numpy as np  # noqa: PLC0415
    import resvg_py  # noqa: PLC0415

    tall = bool(wide and high and high > wide)
    try:
        # Looking for fonts takes 40 ms: only where there is text.
        made = resvg_py.svg_to_bytes(
            svg_string=data.decode(),
            skip_system_fonts=b"text" not in data,
            dpi=96,
            width=None if tall else _DRAWN,
            height=_DRAWN if tall else None,
        )
    except MemoryError:
        raise
    except (ValueError, OSError):  # it knows less than was drawn with, or the drawing has no size
        return {}
    pixels = cv2.imdecode(np.frombuffer(made, np.uint8), cv2.IMREAD_UNCHANGED)
    return {"drawn": _seen(pixels)}


_SHAPES = {"path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text"}
_UNITS = {"": 1.0, "px": 1.0, "pt": 96 / 72, "in": 96.0, "mm": 96 / 25.4, "cm": 96 / 2.54}
_UNITS["pc"] = 16.0
_RELATIVE = re.compile(r"[\d.]\s*(em|ex|ch|rem|vw|vh|vmin|vmax)\s*$")


def _is_shape(element: Any) -> bool:
    """Something to see; pictures only where the drawing holds them itself."""
    name = str(element.tag).rpartition("}")[2]
    links = [value for key, value in element.attrib.items() if key.rpartition("}")[2] == "href"]
    inside = any(link.strip().startswith("data:") for link in links)
    return name in _SHAPES or (name == "image" and inside)


def _pixels(length: str | None) -> float | None:
    found = re.fullmatch(r"\s*([\d.]+(?:e[+-]?\d+)?)\s*([a-z]*)\s*", length or "")
    return float(found[1]) * _UNITS[found[2]] if found and found[2] in _UNITS else None


def postscript_by_hand(path: Path, code: str) -> dict[str, Any]:
    """Pages, size and marks of PostScript, read as text and never run."""
    data = path.read_bytes()[: 256 << 20]
    if not data.startswith(b"%!PS") or b"%%EOF" not in data[-2048:]:
        raise ValueError("cut off or no PostScript")
    boxes = re.findall(rb"^%%BoundingBox: +(-?\d+) +(-?\d+) +(-?\d+) +(-?\d+)", data, re.M)
    marks = len(re.findall(rb"\b(?:f\*?|S|fill|stroke|show|Tj|TJ|image|Do)\s*$", data, re.M))
    pages = len(re.findall(rb"^%%Page: ", data, re.M))
    known: dict[str, Any] = {"pages": pages, "marks": marks}
    if boxes:
        left, low, right, top = (int(value) for value in boxes[-1])
        known |= {"points": [right - left, top - low]}
    return known


def unwrapped(path: Path, code: str) -> dict[str, Any]:
    """Bitmaps without their file header, and the largest picture of an Apple icon, by OpenCV."""
    import cv2  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    data = path.read_bytes()[: 256 << 20]
    picture = _largest_icon(data) if code == "icns" else _with_header(data)
    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("not readable")
    height, width = pixels.shape[:2]
    return {"width": width, "height": height, "frames": 1} | _seen(pixels)


def _with_header(data: bytes) -> bytes:
    depth, packing = struct.unpack_from("<HI", data, 14)
    used = struct.unpack_from("<I", data, 32)[0] or (1 << depth if depth <= 8 else 0)
    start = 14 + 40 + 4 * used + (12 if packing == 3 else 0)
    wide, high = struct.unpack_from("<ii", data, 4)
    if packing == 0 and len(data) + 14 < start + (wide * depth + 31) // 32 * 4 * abs(high):
        raise ValueError("cut off")
    return b"BM" + struct.pack("<IHHI", len(data) + 14, 0, 0, start) + data


def _largest_icon(data: bytes) -> bytes:
    if data[:4] != b"icns" or struct.unpack_from(">I", data, 4)[0] != len(data):
        raise ValueError("cut off or no icon")
    place, best = 8, b""
    while place + 8 <= len(data):
        length = struct.unpack_from(">I", data, place + 4)[0]
        body = data[place + 8 : place + length]
        if body[:4] in (b"\x89PNG", b"\x00\x00\x00\x0c") and len(body) > len(best):
            best = body
        place += max(length, 8)
    return best


def _ico_look(path: Path) -> dict[str, Any]:
    made = by_pillow(path, "ico")
    return {
        name: made[name] for name in ("likeness", "contrast", "grid", "colours") if name in made
    }
