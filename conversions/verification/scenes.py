"""What a film shows, where OpenCV's decoder gives no pixels: interlaced frames, rare coders.

FFmpeg paints four frames in the sandbox, with the container forced and the lines of both halves
joined; OpenCV looks at the pictures.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conversions.engines.ffmpeg_tables import DEMUXERS
from inspection import facts as inspection_facts
from inspection.looks import PLACES
from sandbox import pool, runner
from sandbox.folders import let_read
from sandbox.profiles import PROFILES

_BARE = frozenset({"m2v", "h264", "hevc", "mjpeg", "y4m", "ivf"})  # without times to seek by
_WIDE = 320  # pixels, enough for what is compared


def watch(
    before: dict[str, Any],
    after: dict[str, Any],
    source: tuple[Path, str],
    output: tuple[Path, str],
) -> None:
    """Add ``frame_looks`` and ``contrast`` to the facts of an end that lacks some of them."""
    for known, (path, code) in ((before, source), (after, output)):
        few = len(known.get("frame_looks") or ()) < len(PLACES)
        if known.get("video_streams") and few:
            known.update(_seen(path, code, float(known.get("duration_seconds") or 0)))


def _seen(path: Path, code: str, seconds: float) -> dict[str, Any]:
    if code not in DEMUXERS or code in _BARE:
        return {}
    with tempfile.TemporaryDirectory(prefix="watch-") as name:
        pictures = list(_painted(path, code, seconds, Path(name)))
        items = [inspection_facts.item(picture, "png") for picture in pictures]
        if not items:
            return {}
        returned = pool.server(inspection_facts.preload_for({"png"})).call(
            "inspection.facts:facts_of_all", items, profile="inspect", readable=tuple(pictures)
        )
    looks = [one for one in returned.value if "grid" in one]
    contrast = max((float(one["contrast"]) for one in looks), default=0.0)
    return {"frame_looks": looks, "contrast": round(contrast, 1)} if looks else {}


def _painted(path: Path, code: str, seconds: float, folder: Path) -> Iterator[Path]:
    let_read(str(path))
    profile = dataclasses.replace(PROFILES["media"], binds=(str(path),), cpu_s=30)
    for number, share in enumerate(PLACES):
        made = folder / f"{number}.png"
        words = ["ffmpeg", "-nostdin", "-v", "error", "-threads", "1"]
        words += ["-protocol_whitelist", "file,pipe", "-ss", f"{share * seconds:.3f}"]
        words += ["-f", DEMUXERS[code], "-i", f"file:{path}", "-map", "0:V:0", "-frames:v", "1"]
        words += ["-vf", f"yadif,scale={_WIDE}:-2", f"file:{made}"]
        runner.run(words, profile=profile, workdir=folder, deadline_s=20)
        if made.exists():
            yield made
