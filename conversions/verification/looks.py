"""Rules for looks: the same picture, in the same colours, frame by frame and page by page."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from conversions.verification.terms import Check, Compared
from inspection.looks import Look, quarter_turned

Grid = Sequence[int]
_COLOURLESS = {"pgm", "pbm", "xbm", "msp", "wbmp", "otb", "fax", "jbig", "bw"}
# Targets that hold half-clear pixels as well as their readers here tell them.
CLEAR = frozenset({"png", "apng", "webp", "avif", "tiff", "jp2"})
# Targets in which nothing is clear.
OPAQUE = frozenset(
    {"jpg", "bmp", "dib", "pcx", "dcx", "ppm", "pgm", "pbm", "pnm", "bw", "jps", "pdf"}
)
_FLAT = 6.0  # deviation of a grid below which there is nothing to hold on to


def deviation(grid: Grid) -> float:
    """Standard deviation of a grid's fields."""
    mean = sum(grid) / len(grid)
    return float((sum((value - mean) ** 2 for value in grid) / len(grid)) ** 0.5)


def agreement(first: Grid, second: Grid) -> float:
    """Correlation of two grids, −1 to 1: 1 for the same picture, lighter or darker."""
    means = sum(first) / len(first), sum(second) / len(second)
    pairs = [(a - means[0], b - means[1]) for a, b in zip(first, second, strict=True)]
    size = (sum(a * a for a, _ in pairs) * sum(b * b for _, b in pairs)) ** 0.5
    return float(sum(a * b for a, b in pairs) / size) if size else 0.0


def _tints(colours: Grid) -> list[int]:
    """How far blue and red are from green, field by field."""
    found = []
    for place in range(0, len(colours), 3):
        blue, green, red = colours[place : place + 3]
        found += [blue - green, red - green]
    return found


def tint_apart(old: Grid, new: Grid) -> tuple[float, float]:
    """(mean strength of the old tints, mean difference of the new ones from them)."""
    was, now = _tints(old), _tints(new)
    strength = sum(abs(value) for value in was) / len(was)
    return strength, sum(abs(a - b) for a, b in zip(was, now, strict=True)) / len(was)


def _best(old: dict[str, Any], new: dict[str, Any]) -> float:
    """Agreement of two looks; a viewer may show what is transparent on another ground."""
    grounds = [old[name] for name in ("grid", "grid_flat") if name in old]
    others = [new[name] for name in ("grid", "grid_flat") if name in new]
    return max(agreement(a, b) for a in grounds for b in others)


def seen_on_white(old: dict[str, Any], c: Compared) -> Iterator[Check]:
    """White on clear can't be seen any more where nothing is clear: right, but worth a word."""
    if "clear" not in old or old.get("contrast", 1) >= 0.5 or c.output_format not in OPAQUE:
        return
    grids = [
        one["grid"]
        for new in c.after
        for one in (new, *(new.get("page_looks") or ()))
        if "grid" in one
    ]
    if grids and all(max(grid) - min(grid) <= 1 for grid in grids):
        note = "white on a white ground; the option background sets another"
        yield Check(
            name="seen", ok=False, expected="something", actual="white", note=note, severe=False
        )


def same_look(c: Compared) -> Iterator[Check]:
    """The fields of the picture lie where they lay, in their colours."""
    old, new = dict(c.before), c.after[0]
    yield from seen_on_white(old, c)
    if "grid" in old and "grid" in new and _comparable(c):
        yield from same_colours_and_fields(old, new, c.output_format)


def same_colours_and_fields(
    old: dict[str, Any], new: dict[str, Any], output_format: str
) -> Iterator[Check]:
    """Two looks of one picture: fields, colours, and what is clear."""
    if deviation(old["grid"]) > _FLAT:
        found = _best(old, new)
        yield Check(
            name="same_picture",
            ok=found >= 0.85,
            expected="≥ 85 % agreement",
            actual=f"{found:.0%}",
            severe=found < 0.5,
        )
    if "colours" in old and output_format not in _COLOURLESS:
        # A reader that knows no transparency shows the colours below it.
        flat = old.get("alpha_ignored") and new.get("colours_flat")
        yield from _colours(old["colours"], flat or new.get("colours"))
    if output_format in CLEAR and "clear" in old and not new.get("alpha_ignored"):
        yield from _clearness(old["clear"], new.get("clear"))


def _clearness(old: Grid, new: Grid | None) -> Iterator[Check]:
    """What could be seen through before can be now, and nothing else."""
    if new is None:
        new = [255] * len(old)
    apart = sum(abs(a - b) for a, b in zip(old, new, strict=True)) / len(old)
    yield Check(
        name="transparency",
        ok=apart <= 16,
        expected="≤ 16 of 255 apart",
        actual=round(apart, 1),
        severe=apart > 64,
    )


def _colours(old: Grid, new: Grid | None) -> Iterator[Check]:
    if new is None:  # gray pixels
        new = [0] * len(old)
    strength, apart = tint_apart(old, new)
    if strength < 5 and apart <= 12:
        return
    share = apart / max(strength, 5)
    yield Check(
        name="colours",
        ok=share <= 0.5 or apart <= 4,
        expected="≤ 50 % off",
        actual=f"{share:.0%} off",
        severe=share > 0.8 and apart > 8,
    )


def _comparable(c: Compared) -> bool:
    """Not where the picture was cut, put on another ground, or made square."""
    own_ground = str(c.options.get("background") or "#ffffff").lower() != "#ffffff"
    odd = c.before["frames"] > 1 and c.source_format in ("png", "apng")  # a still comes first
    small = (
        c.before["width"] * c.before["height"] < 64
        or min(c.before["width"], c.before["height"]) < 8
    )
    square = c.output_format == "icns" and c.before["width"] != c.before["height"]
    return not (c.options.get("fit") == "crop" or own_ground or odd or small or square)


def same_frames(c: Compared) -> Iterator[Check]:
    """Later frames of an animation: not blank, and alike at the same share of its length."""
    old, new = c.before.get("frame_looks"), c.after[0].get("frame_looks")
    if not old or not new or len(old) != len(new):
        return
    blank = sum(a["contrast"] > 3 and b["contrast"] < 1 for a, b in zip(old, new, strict=True))
    yield Check(name="frames_not_blank", ok=not blank, expected=0, actual=blank)
    pairs = [(a, b) for a, b in zip(old, new, strict=True) if deviation(a["grid"]) > _FLAT]
    if pairs and c.options.get("fit") != "crop":
        # Savers merge and drop frames, so that a place may show the neighbour.
        worst = min(agreement(a["grid"], b["grid"]) for a, b in pairs)
        yield Check(
            name="same_frames",
            ok=worst >= 0.7,
            expected="≥ 70 % agreement",
            actual=f"{worst:.0%}",
            severe=False,
        )


def same_scenes(c: Compared) -> Iterator[Check]:
    """A film's frames at four places: the same scenes, in their colours, and moving."""
    old, new = c.before.get("frame_looks"), c.after[0].get("frame_looks")
    cut = any(c.options.get(name) for name in ("start", "end"))
    if not old or not new or cut:
        return
    pairs = [(a, b) for a, b in zip(old, new, strict=False) if deviation(a["grid"]) > _FLAT]
    if pairs:
        # Players count frames differently; the usual place decides, not the worst.
        found = sorted(max(agreement(a["grid"], b["grid"]) for a in old) for _, b in pairs)
        middle = found[len(found) // 2]
        yield Check(
            name="same_scenes",
            ok=middle >= 0.7,
            expected="≥ 70 % agreement",
            actual=f"{middle:.0%}",
            severe=middle < 0.3,
        )
        colours = [(a["colours"], b["colours"]) for a, b in pairs if "colours" in a]
        if colours:
            yield from _colours(*colours[len(colours) // 2])
    moved, moves = _moved(old), _moved(new)
    if moved > 0.3 and len(new) == len(old):
        still = moves < 0.1 * moved
        yield Check(name="moves", ok=not still, expected=moved, actual=moves, severe=moved > 4)


def _moved(looks: list[dict[str, Any]]) -> float:
    """Mean difference of neighbouring looks."""
    pairs = list(itertools.pairwise(looks))
    total = 0.0
    for a, b in pairs:
        apart = sum(abs(x - y) for x, y in zip(a["grid"], b["grid"], strict=True))
        total += apart / len(a["grid"])
    return round(total / max(1, len(pairs)), 1)


def compare_pages(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> Iterator[Check]:
    """Pages side by side; those without light and dark say nothing."""
    pairs = zip(old, new, strict=False)
    found = [_best(a, b) for a, b in pairs if deviation(a["grid"]) > 2]
    if found:
        worst = min(found)
        yield Check(
            name="same_pages",
            ok=worst >= 0.75,
            expected="≥ 75 % agreement",
            actual=f"{worst:.0%}",
            severe=worst < 0.4,
        )


def _turned(c: Compared, old: list[Look], new: list[Look]) -> list[Look]:
    """The source's pages as the options turn them; where only some are, as they were or turned."""
    made = old
    for _ in range(int(c.options.get("rotate") or 0) // 90 % 4):
        made = [quarter_turned(look) for look in made]
    if not c.options.get("rotate_pages"):
        return made
    either = zip(old, made, new, strict=False)
    return [a if _best(a, now) >= _best(b, now) else b for a, b, now in either]


def same_painted_pages(c: Compared) -> Iterator[Check]:
    """A PDF made of a PDF, or pictures of its pages: each page looks as it did."""
    old = c.before.get("page_looks") or []
    if c.options.get("page_range") or c.options.get("user_password"):
        return
    if c.output_format == "icns":  # always square: it has margins
        return
    new = [look for one in c.after for look in one.get("page_looks") or ()]
    if not new:
        new = [seen for one in c.after if "grid" in (seen := one.get("drawn", one))]
    yield from compare_pages(_turned(c, old, new), new)


def picture_on_page(c: Compared) -> Iterator[Check]:
    """A PDF made of a picture: where the page is the picture, it looks like it."""
    pages = [look for one in c.after for look in one.get("page_looks") or ()]
    wide, high = c.after[0].get("width_pt"), c.after[0].get("height_pt")
    if not pages or not wide or not high or "grid" not in c.before or c.before.get("frames", 1) > 1:
        return
    if abs(wide / high - c.before["width"] / c.before["height"]) < 0.02 * wide / high:
        yield from compare_pages([dict(c.before)], pages)
