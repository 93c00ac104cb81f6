"""Rules for sound and moving pictures."""

from __future__ import annotations

from collections.abc import Iterator

from conversions.verification.terms import Check, Compared


def recording(c: Compared) -> Iterator[Check]:
    """Length, sound, and that the file does not end early."""
    one, before, options = c.after[0], c.before, c.options
    yield Check(name="whole", ok=bool(one.get("whole")), expected=True, actual=one.get("whole"))
    length = before.get("duration_seconds")
    if length:
        start = float(options.get("start") or 0)
        expected = max(0.0, min(float(options.get("end") or length), length) - start)
        actual = float(one.get("duration_seconds") or 0)
        # MP3 and AAC pad by up to two frames of 26 ms, Opus starts with 80 ms.
        allowed = max(0.25, 0.02 * expected)
        yield Check(
            name="duration",
            ok=actual > 0 and abs(actual - expected) <= allowed,
            expected=round(expected, 3),
            actual=actual,
        )
    if before.get("audio_streams"):
        found = int(one.get("audio_streams") or 0)
        yield Check(name="audio", ok=found >= 1, expected="≥ 1 stream", actual=found)
    for name in ("sample_rate", "channels"):
        if options.get(name) and one.get(name):
            same = int(one[name]) == int(options[name]) or one.get("codecs", [""])[-1] == "Opus"
            yield Check(name=name, ok=same, expected=options[name], actual=one[name])


def film(c: Compared) -> Iterator[Check]:
    """The picture: there, of the size asked for, and not black."""
    one, before, options = c.after[0], c.before, c.options
    found = int(one.get("video_streams") or 0)
    yield Check(name="video", ok=found >= 1, expected="≥ 1 stream", actual=found)
    if not found or not before.get("width"):
        return
    wide, high = options.get("width"), options.get("height")
    ratio = before["width"] / before["height"]
    wide = wide or (high * ratio if high else before["width"])
    high = high or (wide / ratio if options.get("width") else before["height"])
    close = abs(one["width"] - wide) <= 2 and abs(one["height"] - high) <= 2
    sizes = f"{round(wide)}×{round(high)}", f"{one['width']}×{one['height']}"
    yield Check(name="dimensions", ok=close, expected=sizes[0], actual=sizes[1])
    was, now = float(before.get("contrast") or 0), one.get("contrast")
    if was > 5:
        dark = now is None or float(now) < 1
        yield Check(name="not_blank", ok=not dark, expected=was, actual=now)
