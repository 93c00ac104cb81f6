"""FFmpeg (GPL-2.0-or-later build): the subtitles that a film carries as text.

Subtitles that are pictures (DVD, Blu-ray, broadcast) hold no text and are refused by name.
Source: https://ffmpeg.org/ffmpeg-codecs.html#Subtitles-Encoders
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from pydantic import Field

from conversions.engines.ffmpeg_tables import DEMUXERS
from conversions.engines.program import debian_version, run_program
from conversions.engines.spec import (
    EngineCall,
    EngineOptions,
    EngineResult,
    EngineSpec,
    InputRejected,
    OptionUnsupported,
    Queue,
    Route,
    Runner,
)

_WRITERS = {"srt": "srt", "vtt": "webvtt", "ass": "ass"}  # codec and muxer have one name
_TEXTS = {"subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text"}
_LOCAL = ("-protocol_whitelist", "file,pipe")


class Options(EngineOptions):
    """Which of the film's subtitles."""

    track: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="1 is the first subtitle track; without: the first that is text.",
    )
    language: str | None = Field(
        default=None, pattern=r"^[a-z]{2,3}$", description="The first track in this language: eng."
    )


@dataclass(frozen=True)
class _Track:
    number: int  # among the subtitles, from 0
    codec: str
    language: str


def run(call: EngineCall) -> EngineResult:
    """Probe, choose a track, write it as the target."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    given = [*_LOCAL, "-f", DEMUXERS[call.input_format], "-i", f"file:{call.source}"]
    track = _chosen(_tracks(call, given), options)
    name = _WRITERS[call.output_format]
    argv = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-y", *given]
    argv += ["-map", f"0:s:{track.number}", "-c:s", name, "-f", name, f"file:{call.target}"]
    run_program(call, argv, profile="media", name="FFmpeg", writes=call.target)
    cues = _cues(call, given, track)
    if not cues:
        raise InputRejected("The subtitle track is empty.", code="engine_failed")
    call.progress(1.0, "done")
    return EngineResult(outputs=(call.target,), facts={"cues": cues})


def _probe(call: EngineCall, words: list[str], rows: str) -> list[dict[str, object]]:
    from sandbox import runner  # noqa: PLC0415 (engines in the child never start programs)

    lines: list[str] = []
    ended = runner.run(
        ["ffprobe", "-v", "error", "-of", "json", *words],
        profile="media",
        workdir=call.workdir,
        deadline_s=call.left_s,
        on_stdout_line=lines.append,
    )
    try:
        found = json.loads("\n".join(lines))
    except ValueError:
        found = None
    if ended.returncode or not found:
        text = "The film can't be read: it is damaged."
        raise InputRejected(text, detail=ended.stderr_tail[-800:])
    listed: list[dict[str, object]] = found.get(rows, [])
    return listed


def _tracks(call: EngineCall, given: list[str]) -> list[_Track]:
    show = ["-select_streams", "s", "-show_entries", "stream=codec_name:stream_tags=language"]
    found = []
    for number, row in enumerate(_probe(call, [*show, *given], "streams")):
        tags = row.get("tags")
        language = str(tags.get("language", "")) if isinstance(tags, dict) else ""
        found.append(_Track(number, str(row.get("codec_name", "")), language))
    if not found:
        raise InputRejected("The film has no subtitles.", code="engine_failed")
    return found


def _chosen(tracks: list[_Track], options: Options) -> _Track:
    fitting = [one for one in tracks if options.track in (None, one.number + 1)]
    if options.language:
        fitting = [one for one in fitting if one.language.startswith(options.language)]
    if not fitting:
        raise OptionUnsupported(f"The film has no such subtitles; it has {len(tracks)} tracks.")
    texts = [one for one in fitting if one.codec in _TEXTS]
    if not texts:
        raise InputRejected("The film's subtitles are pictures, not text.", code="engine_failed")
    return texts[0]


def _cues(call: EngineCall, given: list[str], track: _Track) -> int:
    """Packets with words in them: MPEG-4 marks pauses by two bytes of zero length."""
    show = ["-select_streams", f"s:{track.number}", "-show_entries", "packet=size"]
    rows = _probe(call, [*show, *given], "packets")
    least = 2 if track.codec == "mov_text" else 0
    return sum(int(str(row.get("size", 0))) > least for row in rows)


SPEC = EngineSpec(
    id="film_subtitles",
    name="FFmpeg (subtitles)",
    licence="GPL-2.0-or-later",
    routes=(
        Route(
            inputs=("mkv", "mp4", "m4v", "mov", "webm"),
            outputs=tuple(_WRITERS),
            fidelity=30,
            loses=("picture and sound", "other subtitle tracks"),
        ),
    ),
    options=Options,
    runner=Runner.PROCESS,
    queue=Queue.MEDIA,
    sandbox="media",
    seconds=1.0,
    units=1,
    find_version=lambda: debian_version("ffmpeg", "ffmpeg", "ffprobe"),
    run=run,
)
