"""The rules for results of tools, pure: facts of sources and results in, checks out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from conversions.verification.media import film, recording
from conversions.verification.terms import Check, Compared


class Done(Protocol):
    """The operation, as the rules need it."""

    @property
    def options(self) -> Mapping[str, Any]: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def output_format(self) -> str: ...
    @property
    def source_formats(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the rules see."""

    before: list[dict[str, Any]]
    after: list[dict[str, Any]]
    operation: Done
    claims: Mapping[str, Any]
    names: tuple[str, ...]

    @property
    def options(self) -> Mapping[str, Any]:
        """Of the operation."""
        return self.operation.options


Rule = Callable[[Seen], Iterator[Check]]


def page_numbers(text: str | None, count: int) -> list[int]:
    """Zero-based numbers of ``1-3,5``."""
    if not text:
        return list(range(count))
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first) - 1, min(int(last or first), count)))
    return sorted(found)


def apart(first: list[int], second: list[int]) -> float:
    """Mean difference of two looks, 0–255."""
    return sum(abs(a - b) for a, b in zip(first, second, strict=True)) / max(1, len(first))


def _pages(name: str, expected: int, actual: int) -> Check:
    return Check(name=name, ok=expected == actual, expected=expected, actual=actual)


def _looks(seen: Seen, wanted: list[list[int]], found: list[list[int]], most: float) -> Check:
    pairs = list(zip(wanted, found, strict=False))
    worst = max((apart(a, b) for a, b in pairs), default=0.0)
    return Check(
        name="looks_alike", ok=worst <= most, expected=f"≤ {most} of 255", actual=round(worst, 1)
    )


def same_pages(most: float = 3.0) -> Rule:
    """As many pages as before, looking the same, with the same words."""

    def rule(seen: Seen) -> Iterator[Check]:
        before, after = seen.before[0], seen.after[0]
        if "error" in before or not before.get("pages"):
            yield Check(name="pages", ok=after["pages"] > 0, expected="≥ 1", actual=after["pages"])
            return
        yield _pages("pages", before["pages"], after["pages"])
        yield _looks(seen, before["looks"], after["looks"], most)
        yield from _words(set(before.get("words") or ()), seen)

    return rule


def _words(wanted: set[str], seen: Seen, least: float = 0.98) -> Iterator[Check]:
    found: set[str] = set()
    for one in seen.after:
        found |= set(one.get("words") or ())
    if wanted:
        share = len(wanted & found) / len(wanted)
        expected = f"≥ {least:.0%} of {len(wanted)} words"
        yield Check(name="text_kept", ok=share >= least, expected=expected, actual=f"{share:.0%}")


def _merged(seen: Seen) -> Iterator[Check]:
    after = seen.after[0]
    yield _pages("pages", sum(one.get("pages", 0) for one in seen.before), after["pages"])
    looks = [look for one in seen.before for look in one.get("looks", ())]
    if all(one.get("pages", 0) == len(one.get("looks", ())) for one in seen.before):
        yield _looks(seen, looks, after["looks"], 3.0)
    yield from _words({word for one in seen.before for word in one.get("words") or ()}, seen)
    if seen.options.get("bookmarks", "keep") != "none":
        marks, offset = [], 0
        for one in seen.before:
            marks += [(title, offset + max(page, 1)) for _, title, page in one.get("outline", ())]
            offset += one.get("pages", 0)
        found = [(title, page) for _, title, page in after["outline"]]
        lost = [mark for mark in marks if mark not in found]
        yield Check(
            name="bookmarks",
            ok=not lost,
            expected=len(marks),
            actual=len(marks) - len(lost),
            severe=len(lost) * 2 > len(marks),
        )


def _parts(seen: Seen) -> list[list[int]]:
    before, options = seen.before[0], seen.options
    count = int(before["pages"])
    mode = options.get("mode", "every")
    if mode == "ranges":
        return [page_numbers(part, count) for part in str(options["ranges"]).split(",")]
    if mode == "every":
        step = int(options.get("every") or 1)
        return [list(range(n, min(n + step, count))) for n in range(0, count, step)]
    starts = sorted({0, *(max(page, 1) - 1 for level, _, page in before["outline"] if level == 1)})
    return [list(range(a, b)) for a, b in zip(starts, [*starts[1:], count], strict=True)]


def _split(seen: Seen) -> Iterator[Check]:
    parts = _parts(seen)
    counts = [one["pages"] for one in seen.after]
    expected = [len(part) for part in parts]
    yield Check(name="pages", ok=counts == expected, expected=expected, actual=counts)
    if counts != expected:
        return
    looks = seen.before[0]["looks"]
    pairs = [
        (looks[number], one["looks"][place])
        for part, one in zip(parts, seen.after, strict=True)
        for place, number in enumerate(part)
        if number < len(looks) and place < len(one["looks"])
    ]
    yield _looks(seen, [a for a, _ in pairs], [b for _, b in pairs], 3.0)
    if {number for part in parts for number in part} == set(range(seen.before[0]["pages"])):
        yield from _words(set(seen.before[0].get("words") or ()), seen, 0.95)


def _turned(seen: Seen) -> Iterator[Check]:
    before, after = seen.before[0], seen.after[0]
    yield _pages("pages", before["pages"], after["pages"])
    chosen = set(page_numbers(seen.options.get("page_range"), before["pages"]))
    angle = int(seen.options.get("angle") or 90)
    expected = [
        (turn + angle * (number in chosen)) % 360 for number, turn in enumerate(before["turns"])
    ]
    actual = [turn % 360 for turn in after["turns"]]
    yield Check(name="rotation", ok=expected == actual, expected=expected[:20], actual=actual[:20])
    yield from _words(set(before.get("words") or ()), seen)


def _no_larger(seen: Seen) -> Iterator[Check]:
    before, after = seen.before[0]["bytes"], seen.after[0]["bytes"]
    saved = f"{1 - after / before:.0%} saved" if before else ""
    yield Check(
        name="not_larger",
        ok=after <= before,
        expected=f"≤ {before}",
        actual=after,
        note=saved,
        # Without its scripts a PDF of a few hundred bytes may grow; they don't come back for that.
        severe=not seen.claims.get("disarmed"),
    )
    told = seen.claims.get("kept_original")
    if told:
        same = before == after
        yield Check(name="original_returned", ok=same, expected=before, actual=after)


def _locked(seen: Seen) -> Iterator[Check]:
    after = seen.after[0]
    yield Check(
        name="needs_password",
        ok=bool(after.get("needs_password")),
        expected=True,
        actual=after.get("needs_password"),
    )
    lock = str(after.get("encryption") or "")
    yield Check(
        name="encryption", ok="AES" in lock and "256" in lock, expected="AES-256", actual=lock
    )


def _unlocked(seen: Seen) -> Iterator[Check]:
    lock = seen.after[0].get("encryption")
    free = not lock and not seen.after[0].get("needs_password")
    yield Check(name="no_encryption", ok=free, expected="none", actual=lock or "none")


def _marked(seen: Seen) -> Iterator[Check]:
    before, after = seen.before[0], seen.after[0]
    yield _pages("pages", before["pages"], after["pages"])
    yield from _words(set(before.get("words") or ()), seen)
    chosen = set(page_numbers(seen.options.get("page_range"), before["pages"]))
    pairs = list(enumerate(zip(before["looks"], after["looks"], strict=False)))
    unmarked = [n + 1 for n, (a, b) in pairs if n in chosen and apart(a, b) == 0]
    # Under a page that is painted all over (a scan) a mark can't be seen.
    under = seen.options.get("layer") == "under"
    yield Check(
        name="marked", ok=not unmarked, expected="every page", actual=unmarked, severe=not under
    )
    touched = [n + 1 for n, (a, b) in pairs if n not in chosen and apart(a, b) > 1]
    yield Check(name="others_untouched", ok=not touched, expected=[], actual=touched)


def _cleaned(seen: Seen) -> Iterator[Check]:
    left = [*(seen.after[0].get("metadata") or ()), *(seen.after[0].get("private") or ())]
    yield Check(name="no_metadata", ok=not left, expected=[], actual=left)


def _read_words(seen: Seen) -> Iterator[Check]:
    before = int(seen.before[0].get("word_count") or 0)
    after = int(seen.after[0].get("word_count") or 0)
    none = bool(seen.claims.get("read")) and after <= before
    yield Check(
        name="searchable",
        ok=after >= before and not none,
        expected=f"> {before} words",
        actual=after,
        note="no words were recognised" if none else "",
        severe=after < before,
    )


def _picture(seen: Seen) -> Iterator[Check]:
    before, after = seen.before[0], seen.after[0]
    scale = float(seen.claims.get("scale") or 1)
    wide, high = before.get("width", 0), before.get("height", 0)
    bounds = [seen.options.get("max_width"), seen.options.get("max_height")]
    share = min(1.0, *(b / s for b, s in zip(bounds, (wide, high), strict=True) if b and s), 1.0)
    expected = (wide * share * scale, high * share * scale)
    slack = 2 + 0.02 * max(expected) * (scale < 1)
    close = all(
        abs(a - b) <= slack
        for a, b in zip(expected, (after["width"], after["height"]), strict=True)
    )
    sizes = f"{expected[0]:.0f}×{expected[1]:.0f}", f"{after['width']}×{after['height']}"
    yield Check(name="dimensions", ok=close, expected=sizes[0], actual=sizes[1])
    frames = before.get("frames", 1), after.get("frames", 1)
    yield Check(name="frames", ok=frames[0] == frames[1], expected=frames[0], actual=frames[1])
    yield from _alike(seen, 20.0)


def _alike(seen: Seen, most: float) -> Iterator[Check]:
    old, new = seen.before[0].get("likeness"), seen.after[0].get("likeness")
    if old and new:
        found = apart(old, new)
        yield Check(
            name="looks_alike", ok=found <= most, expected=f"≤ {most}", actual=round(found, 1)
        )


def edited_size(width: int, height: int, options: Mapping[str, Any]) -> tuple[int, int] | None:
    """What crop, turn and resize make of a size; None when it is turned by an odd angle."""
    wide = min(options.get("crop_width") or width, width - int(options.get("crop_x") or 0))
    high = min(options.get("crop_height") or height, height - int(options.get("crop_y") or 0))
    turn = float(options.get("rotate") or 0) % 180
    if turn not in (0.0, 90.0):
        return None
    if turn:
        wide, high = high, wide
    to_wide, to_high = int(options.get("width") or 0), int(options.get("height") or 0)
    if not to_wide and not to_high:
        return wide, high
    asked = (
        to_wide or max(1, round(to_high * wide / high)),
        to_high or max(1, round(to_wide * high / wide)),
    )
    if options.get("fit", "max") != "max":
        return asked
    share = min(asked[0] / wide, asked[1] / high)
    return max(1, round(wide * share)), max(1, round(high * share))


def _edited(seen: Seen) -> Iterator[Check]:
    before, after = seen.before[0], seen.after[0]
    expected = edited_size(before["width"], before["height"], seen.options)
    found = (after["width"], after["height"])
    if expected:
        close = abs(expected[0] - found[0]) <= 1 and abs(expected[1] - found[1]) <= 1
        sizes = f"{expected[0]}×{expected[1]}", f"{found[0]}×{found[1]}"
        yield Check(name="dimensions", ok=close, expected=sizes[0], actual=sizes[1])
    was, now = float(before.get("contrast") or 0), float(after.get("contrast") or 0)
    flat = seen.options.get("brightness") == 0 or seen.options.get("contrast") == 0
    blank = was > 5 and now < 0.5 and not flat
    yield Check(
        name="not_blank", ok=not blank, expected=round(was, 1), actual=round(now, 1), severe=False
    )
    names = ("text", "watermark_text")
    changed = any(seen.options.get(name) for name in names)
    if changed and before.get("pixels"):
        different = before["pixels"] != after.get("pixels")
        yield Check(name="written", ok=different, expected="other pixels", actual=different)


def _same_pixels(seen: Seen) -> Iterator[Check]:
    before, after = seen.before[0], seen.after[0]
    if seen.claims.get("exact"):
        same = before.get("pixels") == after.get("pixels")
        yield Check(name="pixels", ok=same, expected="the same", actual="same" if same else "other")
        turns = before.get("orientation"), after.get("orientation")
        yield Check(name="upright", ok=turns[0] == turns[1], expected=turns[0], actual=turns[1])
    else:
        yield from _alike(seen, 4.0)


def _small(seen: Seen) -> Iterator[Check]:
    after, options = seen.after[0], seen.options
    box = int(options.get("width") or 320), int(options.get("height") or 320)
    inside = 0 < after["width"] <= box[0] and 0 < after["height"] <= box[1]
    actual = f"{after['width']}×{after['height']}"
    yield Check(name="dimensions", ok=inside, expected=f"≤ {box[0]}×{box[1]}", actual=actual)
    if options.get("fit", "max") == "max" and int(seen.before[0].get("frames") or 1) == 1:
        yield from _alike(seen, 20.0)


def _as_recording(seen: Seen, options: Mapping[str, Any], *, picture: bool) -> Iterator[Check]:
    compared = Compared(
        before=seen.before[0],
        after=seen.after,
        source_format=seen.operation.source_formats[0],
        output_format=seen.operation.output_format,
        options=options,
        claims=seen.claims,
    )
    yield from recording(compared)
    if picture:
        yield from film(compared)


def _smaller_film(seen: Seen) -> Iterator[Check]:
    high, before = seen.options.get("max_height"), seen.before[0].get("height") or 0
    options = {"height": min(int(high), before)} if high and before else {}
    yield from _as_recording(seen, options, picture=True)
    wanted, size = int(seen.claims.get("target") or 0), seen.after[0]["bytes"]
    if wanted and wanted < seen.before[0]["bytes"]:
        off = size / wanted - 1
        yield Check(
            name="target_size",
            ok=abs(off) <= 0.05,
            expected=f"{wanted} ± 5 %",
            actual=size,
            note=f"{off:+.1%}",
            severe=False,
        )


def _frame(seen: Seen) -> Iterator[Check]:
    before, after = seen.before[0], seen.after[0]
    same = before.get("width") == after["width"] and before.get("height") == after["height"]
    sizes = f"{before.get('width')}×{before.get('height')}", f"{after['width']}×{after['height']}"
    yield Check(name="dimensions", ok=same, expected=sizes[0], actual=sizes[1], severe=False)
    dark = float(before.get("contrast") or 0) > 5 and float(after.get("contrast") or 0) < 1
    yield Check(name="not_blank", ok=not dark, expected="a picture", actual=after.get("contrast"))


def _same_streams(seen: Seen) -> Iterator[Check]:
    yield from _as_recording(seen, {}, picture=bool(seen.before[0].get("video_streams")))
    codecs = seen.before[0].get("codecs"), seen.after[0].get("codecs")
    yield Check(
        name="codecs", ok=codecs[0] == codecs[1], expected=codecs[0], actual=codecs[1], severe=False
    )


def _packed(seen: Seen) -> Iterator[Check]:
    found = sorted((entry[1], entry[2]) for entry in seen.after[0]["entries"])
    wanted = sorted((one["bytes"], one["sha256"]) for one in seen.before)
    yield _pages("entries", len(wanted), len(found))
    yield Check(name="content", ok=found == wanted, expected="same SHA-256", actual=found == wanted)
    names = {entry[0] for entry in seen.after[0]["entries"]}
    yield _pages("names", len(wanted), len(names))


def _unpacked(seen: Seen) -> Iterator[Check]:
    if "error" in seen.before[0]:
        note = str(seen.before[0]["error"])
        yield Check(name="entries", ok=False, expected="a list", actual=note, severe=False)
        return
    inside = {(entry[1], entry[2]) for entry in seen.before[0]["entries"]}
    sizes = {entry[1] for entry in seen.before[0]["entries"] if entry[2] is None}
    wrong = [
        name
        for name, one in zip(seen.names, seen.after, strict=True)
        if (one["bytes"], one["sha256"]) not in inside and one["bytes"] not in sizes
    ]
    yield Check(name="content", ok=not wrong, expected="same SHA-256", actual=wrong[:20])
    kept = not seen.options.get("pattern")
    count = len(inside) if kept else 1
    found = len({(one["bytes"], one["sha256"]) for one in seen.after})
    left = int(seen.claims.get("dropped") or 0)
    enough = found >= count - left
    yield Check(name="entries", ok=enough, expected=f"≥ {count - left}", actual=found, severe=False)


RULES: dict[str, tuple[Rule, ...]] = {
    "pdf_merge": (_merged,),
    "pdf_split": (_split,),
    "pdf_rotate": (_turned,),
    "pdf_compress": (same_pages(10.0), _no_larger),
    "pdf_protect": (same_pages(), _locked),
    "pdf_unlock": (same_pages(), _unlocked),
    "pdf_watermark": (_marked,),
    "pdf_strip": (same_pages(), _cleaned),
    "pdf_ocr": (same_pages(2.0), _read_words),
    "image_compress": (_picture, _no_larger),
    "image_edit": (_edited,),
    "image_strip": (_same_pixels, _cleaned),
    "image_thumbnail": (_small,),
    "media_compress": (_smaller_film, _no_larger),
    "media_frame": (_frame,),
    "media_strip": (_same_streams, _cleaned),
    "archive_create": (_packed,),
    "archive_extract": (_unpacked,),
}
