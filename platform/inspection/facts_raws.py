"""Facts about camera raw without LibRaw: its size from its directories, its look from the preview.

Where there is no preview, FFmpeg's own reader of DNG shows the sensor's pattern: right in its
light and dark, wrong in its colours.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO

from inspection import raws, tiff_tree
from inspection.facts_images import by_cv2_video
from inspection.heif import Turn
from inspection.looks import Look, look_of
from inspection.tiff_tree import Directory, Tree

_LEAST, _MOST = 48, 64 << 20  # pixels of a preview's shorter side, bytes of it
_SEEN = 1.0  # least contrast of a picture with something in it
_ASPECT = 0.04  # share by which a preview may be wider or higher: some have black bars
_TURNS: dict[int, tuple[Turn, ...]] = {
    2: (("mirror", 1),),
    3: (("turn", 2),),
    4: (("mirror", 0),),
    5: (("turn", 3), ("mirror", 1)),
    6: (("turn", 3),),
    7: (("turn", 1), ("mirror", 1)),
    8: (("turn", 1),),
}


def of_raw(path: Path, code: str) -> dict[str, Any]:
    """{width, height, frames, …}: as shown; a look and its ``look_from`` where there is one."""
    tree = tiff_tree.read(path)
    missing = raws.fault(path, tree)
    if missing:
        raise ValueError(missing)
    width, height = raws.shown_size(tree)
    known: dict[str, Any] = {"width": width, "height": height, "frames": 1}
    return known | (_preview_look(path, tree, width / height) or _sensor_look(path, tree))


def _preview_look(path: Path, tree: Tree, aspect: float) -> Look:
    """The look of the largest preview that has the picture's shape; empty without one."""
    others = [one for one in tree.directories if not raws.is_raw(one)]
    for one in sorted(others, key=lambda one: -one.one(tiff_tree.WIDTH)):
        pixels = _decoded(path, one)
        if pixels is None or min(pixels.shape[:2]) < _LEAST:
            continue
        pixels = _upright(pixels, tree)
        shape = pixels.shape[1] / pixels.shape[0]
        if abs(shape / aspect - 1) <= _ASPECT:
            return look_of(pixels) | {"contrast": float(pixels.std()), "look_from": "preview"}
    return {}


def _upright(pixels: Any, tree: Tree) -> Any:
    from inspection.heif import turned  # noqa: PLC0415 (with numpy, in the warm parent only)

    return turned(pixels, _TURNS.get(raws.orientation_of(tree), ()))


def _decoded(path: Path, one: Directory) -> Any:
    """Blue, green, red bytes of a preview in JPEG or plain bytes; None for other kinds."""
    import numpy as np  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    places = one.places()
    plain = one.one(tiff_tree.COMPRESSION) == tiff_tree.PLAIN and one.one(tiff_tree.SAMPLES) == 3
    if not 0 < sum(size for _, size in places) <= _MOST or (len(places) > 1 and not plain):
        return None
    with path.open("rb") as file:
        data = b"".join(_bytes_at(file, start, size) for start, size in places)
    try:
        if data[:2] == b"\xff\xd8":
            image: Image.Image = Image.open(io.BytesIO(data), formats=("JPEG",))
            image.draft("RGB", (1024, 1024))
        elif plain:
            image = Image.frombytes("RGB", one.size(), data)
        else:
            return None
        return np.asarray(image.convert("RGB"))[:, :, ::-1].copy()
    except (OSError, ValueError, SyntaxError):
        return None


def _bytes_at(file: BinaryIO, start: int, size: int) -> bytes:
    file.seek(max(0, start))
    return file.read(max(0, size))


def _sensor_look(path: Path, tree: Tree) -> Look:
    """What FFmpeg reads of the sensor itself. It takes big-endian numbers for little ones."""
    main = raws.main_of(tree)
    plain = main is not None and main.one(tiff_tree.COMPRESSION, 1) == tiff_tree.PLAIN
    if main is None or (plain and tree.order == ">" and main.one(tiff_tree.BITS) == 16):
        return {}
    try:
        made = by_cv2_video(path, "dng", turns=_TURNS.get(raws.orientation_of(tree), ()))
    except ValueError:
        return {}
    if made["contrast"] < _SEEN:  # kinds that it takes for black
        return {}
    return {"grid": made["grid"], "contrast": made["contrast"], "look_from": "sensor"}
