"""Facts about HEIC pictures, from their boxes: the size of the primary picture as it is shown.

A file holds tiles, thumbnails, masks and further pictures beside the primary one; only the boxes
that belong to that one count.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inspection.facts_images import by_cv2_video
from inspection.heif import read_meta, shown_size, turns


def of_heif(path: Path, code: str) -> dict[str, Any]:
    """{width, height, frames, …}: as shown, after cutting and turning; its look if readable."""
    meta = read_meta(path)
    width, height = shown_size(meta)
    known: dict[str, Any] = {"width": width, "height": height, "frames": 1}
    if meta.first_coded != meta.primary:
        return known
    needed = turns(meta)
    if needed is None:
        return known
    try:
        look = by_cv2_video(path, code, turns=needed)  # that reader knows neither cut nor turn
    except ValueError:
        return known
    return look | known if (look["width"], look["height"]) == (width, height) else known
