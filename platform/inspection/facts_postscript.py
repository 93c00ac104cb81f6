"""Facts about PostScript and SVG without running them: what their comments and elements tell."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_TAIL = 64 * 1024
_SHAPES = frozenset(
    ("path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "image", "use")
)


def of_postscript(path: Path, code: str) -> dict[str, Any]:
    """{pages, whole}: the structuring comments; a file of ours that lacks its end is damaged."""
    with path.open("rb") as file:
        head = file.read(_TAIL)
        file.seek(max(0, path.stat().st_size - _TAIL))
        tail = file.read(_TAIL)
    if not head.lstrip(b"\x04").startswith((b"%!PS", b"\xc5\xd0\xd3\xc6")):
        raise ValueError("not PostScript")
    counts = re.findall(rb"%%Pages:\s*(\d+)", head + tail)
    whole = b"%%EOF" in tail
    if b"%%Creator: " in head and b"%%Trailer" not in tail and not whole:
        raise ValueError("cut off")
    known: dict[str, Any] = {"whole": whole}
    box = re.search(rb"%%BoundingBox:\s*(-?\d+)\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)", head)
    if box:
        left, low, right, high = (int(number) for number in box.groups())
        known |= {"width_pt": right - left, "height_pt": high - low}
    return known | ({"pages": int(counts[-1])} if counts else {})


def of_svg(path: Path, code: str) -> dict[str, Any]:
    """{shapes, width, height}: well-formed XML with something to draw."""
    from defusedxml.ElementTree import iterparse  # noqa: PLC0415

    if path.stat().st_size > 256 << 20:
        raise ValueError("too large")
    shapes, root = 0, None
    for event, element in iterparse(path, events=("start", "end")):
        root = element if root is None else root
        if event == "end":
            shapes += str(element.tag).rpartition("}")[2] in _SHAPES
            element.clear() if element is not root else None
    if root is None or not str(root.tag).endswith("svg"):
        raise ValueError("not SVG")
    return {"shapes": shapes}
