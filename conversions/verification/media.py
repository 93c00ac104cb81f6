"""Rules for sound and moving pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conversions.verification.terms import Check, Compared

# Streams without times of their own: their length is anyone's guess.
_BARE = {"m2v", "h264", "hevc", "mjpeg"}


def recording(c: Compared) -> Iterator[Check]:
    """Length, sound, and that the file does not end early."""
    yield from _length(c, silent=False)


def silent_film(c: Compared) -> Iterator[Check]:
    """The same where the target has no place for sound."""
    yield from _length(c, silent=True)


def _length(c: Compared, *, silent: bool) -> Iterator[Check]:
    one, before, options = c.after[0], c.before, c.options
    yield Check(name="whole", ok=bool(one.get("whole")), expected=True, actual=one.get("whole"))
    length = before.get("duration_seconds")
    if not one.get("video_streams"):
        length = before.get("audio_seconds") or length
    claimed = float(c.claims.get("duration_seconds") or 0)  # where no reader knows the source
    if c.source_format in _BARE:
        length = claimed = 0
    if length or claimed:
        start = float(options.get("start") or 0)
        until = float(options.get("end") or length or 0)
        expected = max(0.0, min(until, length) - start) if length else claimed
        yield _duration(before, expected, float(one.get("duration_seconds") or 0))
    if before.get("audio_streams") and not silent:
        found = int(one.get("audio_streams") or 0)
        yield Check(name="audio", ok=found >= 1, expected="≥ 1 stream", actual=found)
    for name in ("sample_rate", "channels"):
        if options.get(name) and one.get(name):
            same = int(one[name]) == int(options[name]) or one.get("codecs", [""])[-1] == "Opus"
            yield Check(name=name, ok=same, expected=options[name], actual=one[name])


def _duration(before: Mapping[str, Any], expected: float, actual: float) -> Check:
    """As long as the source; of one that is cut off, as long as what is left of it."""
    # MP3 and AAC pad by up to two frames of 26 ms, Opus starts with 80 ms.
    ok = actual > 0 and abs(actual - expected) <= max(0.4, 0.02 * expected)
    heard = float(before.get("heard_seconds") or 0)
    left = before.get("whole") is False and not ok and 0 < heard < expected
    if left:
        ok = abs(actual - heard) <= max(0.4, 0.02 * heard)
    note = f"the recording is cut off: it holds {heard:.1f} of {expected:.1f} seconds"
    return Check(
        name="duration",
        ok=ok and not left,
        expected=round(expected, 3),
        actual=actual,
        note=note if left else "",
        severe=not (left and ok),
    )


def film(c: Compared) -> Iterator[Check]:
    """The picture: there, of the size asked for, and not black."""
    one, before, options = c.after[0], c.before, c.options
    found = int(one.get("video_streams") or 0)
    if before.get("video_streams") == 0 and before.get("audio_streams"):
        return  # sound alone; that it is kept is the business of another rule
    yield Check(name="video", ok=found >= 1, expected="≥ 1 stream", actual=found)
    if not found or not before.get("width"):
        return
    wide, high = options.get("width"), options.get("height")
    ratio = before["width"] / before["height"]
    wide = wide or (high * ratio if high else before["width"])
    high = high or (wide / ratio if options.get("width") else before["height"])
    # MXF tells the whole blocks of 16 that are stored, not what is shown of them.
    least = 16 if c.output_format == "mxf" else 3
    close = abs(one["width"] - wide) < least and abs(one["height"] - high) < least
    sizes = f"{round(wide)}×{round(high)}", f"{one['width']}×{one['height']}"
    yield Check(name="dimensions", ok=close, expected=sizes[0], actual=sizes[1])
    was, now = float(before.get("contrast") or 0), one.get("contrast")
    if was > 5:
        dark = now is None or float(now) < 1
        yield Check(name="not_blank", ok=not dark, expected=was, actual=now)


def animation(c: Compared) -> Iterator[Check]:
    """A film made into a GIF: as many frames as its seconds ask for, of its shape, not black."""
    one, before, options = c.after[0], c.before, c.options
    lengths = [float(known.get("duration_seconds") or 0) for known in (c.claims, before)]
    length = min(filter(None, lengths), default=0.0)
    expected = length * float(options.get("fps") or 12)
    found = int(one.get("frames") or 1)
    near = expected <= 2 or 0.5 * expected <= found <= 1.3 * expected + 2
    yield Check(name="frames", ok=near, expected=round(expected), actual=found)
    if before.get("width"):
        was, now = before["width"] / before["height"], one["width"] / one["height"]
        free = options.get("width") and options.get("height")
        ok = bool(free) or abs(was - now) <= 0.05 * was
        yield Check(name="shape", ok=ok, expected=round(was, 2), actual=round(now, 2))
    if float(before.get("contrast") or 0) > 5:
        looks = one.get("frame_looks") or ()  # the first frame may be black in the film as well
        most = max(float(seen.get("contrast") or 0) for seen in (one, *looks))
        was = before["contrast"]
        yield Check(name="not_blank", ok=most > 1, expected=was, actual=round(most, 1))
