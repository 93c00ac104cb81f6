"""What a recording sounds like: loudness along its length, so that silence is not called speech.

Decoded by FFmpeg in the sandbox, with the container forced; MediaInfo, which counts the streams,
does not decode.
"""

from __future__ import annotations

import dataclasses
import tempfile
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from conversions.engines.ffmpeg_tables import DEMUXERS
from conversions.verification.looks import agreement
from conversions.verification.terms import Check, Compared
from sandbox import runner
from sandbox.folders import let_read
from sandbox.profiles import PROFILES

_PARTS = 64
_MOST_S = 600  # of a recording that are listened to
_RATE = 8000
_SHORT_S = 2.0
_QUIET = 20  # mean of 32,768 below which there is nothing to hear


def samples_of(path: Path, code: str, *, start: float = 0, end: float | None = None) -> array[int]:
    """What FFmpeg hears in the first ten minutes, as one channel of 8,000 samples a second."""
    if code not in DEMUXERS:
        return array("h")
    let_read(str(path))
    profile = dataclasses.replace(PROFILES["media"], binds=(str(path),), cpu_s=60)
    length = min(_MOST_S, (end or start + _MOST_S) - start)
    with tempfile.TemporaryDirectory(prefix="hear-") as name:
        made = Path(name) / "sound.raw"
        words = ["ffmpeg", "-nostdin", "-v", "error", "-threads", "1"]
        words += ["-protocol_whitelist", "file,pipe", "-f", DEMUXERS[code], "-i", f"file:{path}"]
        words += ["-map", "0:a:0", "-ss", str(start), "-t", str(length)]
        words += ["-ac", "1", "-ar", str(_RATE), "-f", "s16le", f"file:{made}"]
        runner.run(words, profile=profile, workdir=Path(name), deadline_s=30)
        heard = made.read_bytes()[: 2 * _RATE * _MOST_S] if made.exists() else b""
    return array("h", heard[: len(heard) // 2 * 2])


def loudness(samples: array[int]) -> list[int]:
    """Mean loudness, 0–32,767, of 64 equal parts; empty where there is nothing to hear."""
    size = len(samples) // _PARTS
    if not size:
        return []
    return [sum(map(abs, samples[n * size : (n + 1) * size])) // size for n in range(_PARTS)]


def _wider(parts: list[int]) -> list[int]:
    """A quarter as many parts."""
    return [sum(parts[place : place + 4]) // 4 for place in range(0, len(parts), 4)]


def listen(
    before: dict[str, Any],
    after: dict[str, Any],
    source: tuple[Path, str],
    output: tuple[Path, str],
    options: Mapping[str, Any],
) -> None:
    """Add ``loudness`` to the facts of both ends, where both have sound.

    ``heard_seconds`` of the source: how much of it there is to decode, whatever its head claims.
    """
    if not before.get("audio_streams") or not after.get("audio_streams"):
        return
    start, end = float(options.get("start") or 0), options.get("end")
    heard = samples_of(*source, start=start, end=float(end) if end else None)
    if len(heard) < _RATE * _MOST_S:
        before["heard_seconds"] = len(heard) / _RATE
    before["loudness"] = loudness(heard)
    after["loudness"] = loudness(samples_of(*output)) if before["loudness"] else []


def same_sound(c: Compared) -> Iterator[Check]:
    """Loud where it was loud, and not silent."""
    old, new = c.before.get("loudness"), c.after[0].get("loudness")
    if not old or sum(old) / len(old) < _QUIET:
        return
    seconds = float(c.before.get("audio_seconds") or c.before.get("duration_seconds") or 0)
    if not new:
        # Some coders need a second before the first sample comes.
        ok, text = seconds < _SHORT_S, "nothing could be decoded"
        yield Check(name="sound", ok=ok, expected="sound", actual=text, severe=False)
        return
    share = sum(new) / sum(old)
    yield Check(
        name="sound",
        ok=share >= 0.25,
        expected="as loud",
        actual=f"{share:.0%}",
        severe=share < 0.1,
    )
    if seconds < _SHORT_S:
        return
    if seconds < 8 * _SHORT_S:  # parts so short that a coder's delay would move them
        old, new = _wider(old), _wider(new)
    # Parts that fell silent tell of lost blocks even where the rest is even.
    loud = max(old) / 4
    gaps = sum(a > loud and b < a / 20 for a, b in zip(old, new, strict=True))
    most = len(old) // 32
    yield Check(name="gaps", ok=gaps <= most, expected=f"≤ {most} of {len(old)}", actual=gaps)
    mean = sum(old) / len(old)
    uneven = (sum((value - mean) ** 2 for value in old) / len(old)) ** 0.5 > 0.2 * mean
    if uneven:
        found = agreement(old, new)
        yield Check(
            name="same_sound",
            ok=found >= 0.75,
            expected="≥ 75 % agreement",
            actual=f"{found:.0%}",
            severe=found < 0.4,
        )
