"""The rules for results of tools, pure: facts of sources and results in, checks out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conversions.verification.media import film, recording
from conversions.verification.terms import Check, Compared
from conversions.verification.tool_rules_pdf import PDF_RULES
from conversions.verification.tool_seen import Rule, Seen, apart, cleaned, no_larger, same_count


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
    yield same_count("entries", len(wanted), len(found))
    yield Check(name="content", ok=found == wanted, expected="same SHA-256", actual=found == wanted)
    names = {entry[0] for entry in seen.after[0]["entries"]}
    yield same_count("names", len(wanted), len(names))


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
    **PDF_RULES,
    "image_compress": (_picture, no_larger),
    "image_edit": (_edited,),
    "image_strip": (_same_pixels, cleaned),
    "image_thumbnail": (_small,),
    "media_compress": (_smaller_film, no_larger),
    "media_frame": (_frame,),
    "media_strip": (_same_streams, cleaned),
    "archive_create": (_packed,),
    "archive_extract": (_unpacked,),
}
