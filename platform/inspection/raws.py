"""Camera raw in TIFF's clothes: which kind it is, its size as shown, whether all of it is there.

LibRaw makes a picture of a file that was cut off, and says nothing: who reads raw asks here first.
Source: Adobe DNG 1.6 specification, chapters 2 and 4.
"""

from __future__ import annotations

from pathlib import Path

from inspection import tiff_tree
from inspection.tiff_tree import Directory, Tree

CODES = ("dng",)  # those that were run on whole files and are offered
_PATTERN, _LINEAR = 32803, 34892  # of COLOURS: a sensor's pattern; three colours a pixel
_OWN_PACKING = frozenset({32767, 32769, 32770, 34713, 65535})  # Sony, Samsung, Nikon, Pentax
_MAKES = {"NIKON": "nef", "SONY": "arw", "PENTAX": "pef", "RICOH": "pef", "SAMSUNG": "srw"}
_JPEG, _LOSSY = 7, 34892  # of COMPRESSION
_TAIL, _END = 1024, 4096


def kind_of(path: Path) -> str:
    """Code of a file that begins like TIFF: of the raw kind that its directories show, or tiff."""
    tree = tiff_tree.read(path)
    if any(tiff_tree.DNG_VERSION in one.numbers for one in tree.directories):
        return "dng"
    if not any(map(is_raw, tree.directories)):
        return "tiff"
    make = next((one.make.upper() for one in tree.directories if one.make), "")
    return next((code for word, code in _MAKES.items() if make.startswith(word)), "tiffraw")


def is_raw(one: Directory) -> bool:
    """Whether a directory's picture is what a sensor counted."""
    own = one.one(tiff_tree.COMPRESSION) in _OWN_PACKING and one.one(tiff_tree.BITS) > 8
    return one.one(tiff_tree.COLOURS) in (_PATTERN, _LINEAR) or own


def main_of(tree: Tree) -> Directory | None:
    """The directory of the raw picture itself: the largest."""
    found = [one for one in tree.directories if is_raw(one) and not one.one(tiff_tree.KIND) & 1]
    return max(found, key=lambda one: one.size()[0] * one.size()[1], default=None)


def orientation_of(tree: Tree) -> int:
    """EXIF's number 1–8 of how the picture is turned; 1 where it is not told."""
    numbers = [one.one(tiff_tree.ORIENTATION) for one in tree.directories]
    return next((number for number in numbers if 1 <= number <= 8), 1)


def crop_of(main: Directory) -> tuple[int, int, int, int] | None:
    """(left, top, width, height) to keep of the active area; None: all of it."""
    start = main.numbers.get(tiff_tree.CROP_START, (0.0, 0.0))
    size = main.numbers.get(tiff_tree.CROP_SIZE)
    if not size or len(size) != 2 or len(start) != 2:
        return None
    left, top, wide, high = (round(value) for value in (*start, *size))
    area = _active(main)
    inside = min(left, top) >= 0 and left + wide <= area[0] and top + high <= area[1]
    return (left, top, wide, high) if inside and wide > 0 and high > 0 else None


def _active(main: Directory) -> tuple[int, int]:
    """(width, height) of the part of the sensor that saw light."""
    found = main.numbers.get(tiff_tree.ACTIVE)
    if found and len(found) == 4:
        top, left, bottom, right = (int(value) for value in found)
        if 0 <= left < right <= main.size()[0] and 0 <= top < bottom <= main.size()[1]:
            return right - left, bottom - top
    return main.size()


def shown_size(tree: Tree) -> tuple[int, int]:
    """(width, height) upright and cropped as the file asks; ValueError where it has no raw."""
    main = main_of(tree)
    if main is None:
        raise ValueError("no raw picture in it")
    crop = crop_of(main)
    wide, high = crop[2:] if crop else _active(main)
    scale = main.numbers.get(tiff_tree.SCALE, (1.0, 1.0))
    if len(scale) == 2 and min(scale) > 0 and scale[0] != scale[1]:
        across, down = scale[0] / min(scale), scale[1] / min(scale)
        wide, high = round(wide * across), round(high * down)
    return (high, wide) if orientation_of(tree) >= 5 else (wide, high)


def fault(path: Path, tree: Tree) -> str:
    """Why a file is not all there, in plain words; "" when nothing is missing."""
    main = main_of(tree)
    if tree.torn or main is None:
        return "The picture is cut off: its directories are not complete."
    for one in tree.directories:
        if any(size and start + size > tree.size_bytes for start, size in one.places()):
            return "The picture is cut off: part of it lies beyond the end of the file."
    missing = _too_little(main)
    return missing or _hollow(path, main)


def _too_little(main: Directory) -> str:
    """Strips or tiles that the size asks for and the directory does not have."""
    width, height = main.size()
    places, planes = main.places(), 1
    if main.one(tiff_tree.PLANES, 1) == 2:
        planes = main.one(tiff_tree.SAMPLES, 1)
    if tiff_tree.TILES in main.numbers:
        across, down = main.one(tiff_tree.TILE_WIDTH, 1), main.one(tiff_tree.TILE_HEIGHT, 1)
        wanted = -(-width // max(across, 1)) * -(-height // max(down, 1))
    else:
        wanted = -(-height // max(min(main.one(tiff_tree.STRIP_ROWS, height), height), 1))
    empty = any(start <= 0 or size <= 0 for start, size in places)
    if not width or not height or len(places) < wanted * planes or empty:
        return "The picture is damaged: parts of it are not in the file."
    if main.one(tiff_tree.COMPRESSION, 1) == tiff_tree.PLAIN:
        bits = width * height * main.one(tiff_tree.BITS, 1) * main.one(tiff_tree.SAMPLES, 1)
        if sum(size for _, size in places) < bits // 8:
            return "The picture is damaged: it holds fewer pixels than its head tells."
    return ""


def _hollow(path: Path, main: Directory) -> str:
    """JPEG parts that do not begin as such, or end in nothing: a download that was never filled."""
    if main.one(tiff_tree.COMPRESSION) not in (_JPEG, _LOSSY):
        return ""
    with path.open("rb") as file:
        for start, size in main.places():
            file.seek(start)
            begins = file.read(2) == b"\xff\xd8"
            file.seek(start + max(0, size - _TAIL))
            if not begins or not any(file.read(min(size, _TAIL))):
                return "The picture is damaged: part of it is empty."
    return ""


def ends_empty(path: Path, tree: Tree) -> bool:
    """Whether plain numbers of a sensor end in zeros, as in a download that was never filled.

    A cap on the lens does the same where a camera takes the black off: no reason to refuse it.
    """
    main = main_of(tree)
    places = main.places() if main else []
    if main is None or not places or main.one(tiff_tree.COMPRESSION, 1) != tiff_tree.PLAIN:
        return False
    start, size = max(places)
    with path.open("rb") as file:
        file.seek(start + max(0, size - _END))
        return not any(file.read(min(size, _END)))
