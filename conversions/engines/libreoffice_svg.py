"""LibreOffice 7.4 writes pictures that stand on their head with a negative height: none is shown.

SVG 1.1 calls that an error; they get a positive one and are mirrored in place.
"""

from __future__ import annotations

import re
from pathlib import Path

_MOST_BYTES = 64 << 20
_PLACED = re.compile(
    rb'<image x="(-?\d+)" y="(-?\d+)" width="(-?\d+)" height="(-?\d+)"(?=[^>]{0,200}xlink:href=)'
)


def show_mirrored(path: Path) -> None:
    """Mend the pictures of one drawing, in place; larger files stay as they are."""
    if path.stat().st_size > _MOST_BYTES:
        return
    data = path.read_bytes()
    made = _PLACED.sub(_mended, data)
    if made != data:
        path.write_bytes(made)


def _mended(found: re.Match[bytes]) -> bytes:
    left, top, wide, high = (int(value) for value in found.groups())
    if wide >= 0 and high >= 0:
        return found[0]
    across, down = (-1 if side < 0 else 1 for side in (wide, high))
    aside = 2 * left + wide if wide < 0 else 0
    below = 2 * top + high if high < 0 else 0
    place = f'x="{min(left, left + wide)}" y="{min(top, top + high)}"'
    size = f'width="{abs(wide)}" height="{abs(high)}"'
    return f'<image transform="matrix({across} 0 0 {down} {aside} {below})" {place} {size}'.encode()
