"""FFmpeg (GPL-2.0-or-later build) on one recording: smaller to a size, one frame, no metadata.

Each operation is an engine of its own with its own options, reached by tools. Compressing to a
target size takes two passes, and a third with a corrected rate when the result is off by over 3 %.
Source: https://trac.ffmpeg.org/wiki/Encode/H.264 (two-pass).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import Field

from conversions.engines.ffmpeg_plan import MAX_SECONDS, PROGRESS, Media, probe
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

VIDEO = ("mp4", "webm", "mov", "mkv", "avi")
STRIPPABLE = (*VIDEO, "mp3", "flac", "ogg", "opus", "m4a", "wav")
_SAFE = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-max_alloc", str(1 << 30)]
_MUXER = {
    "mp4": "mp4",
    "mov": "mov",
    "mkv": "matroska",
    "webm": "webm",
    "avi": "avi",
    "mp3": "mp3",
    "flac": "flac",
    "ogg": "ogg",
    "opus": "opus",
    "m4a": "ipod",
    "wav": "wav",
}
_AIM = 0.985  # of the target: what the container adds is known only afterwards
_TOLERANCE = 0.03
_LEAST_KBPS = 20


class CompressOptions(EngineOptions):
    """How small, or how good."""

    target_size_mb: float | None = Field(
        default=None, gt=0.01, le=8000, description="Megabytes (10⁶ bytes), hit within 5 %."
    )
    quality: int = Field(default=50, ge=1, le=100, description="1–100, without a target size.")
    max_height: int | None = Field(default=None, ge=64, le=4320, description="Pixels.")
    fps: float | None = Field(default=None, ge=1, le=120, description="Frames a second at most.")


class FrameOptions(EngineOptions):
    """Which picture."""

    at: float | None = Field(
        default=None, ge=0, le=MAX_SECONDS, description="Second; without: after a tenth of it."
    )


class StripOptions(EngineOptions):
    """None."""


@dataclass(frozen=True)
class _Rates:
    video: int  # kilobits a second
    audio: int


def _run(argv: list[str], call: EngineCall, tell: Callable[[str], None] | None = None) -> None:
    try:
        run_program(call, argv, profile="media", name="FFmpeg", on_line=tell)
    except InputRejected as error:
        if "Invalid data" in error.detail or "moov atom" in error.detail:
            text = "The recording is damaged or cut off."
            raise InputRejected(text, detail=error.detail) from error
        raise OptionUnsupported("FFmpeg can't make this result.", detail=error.detail) from error


def _given(call: EngineCall) -> list[str]:
    """Only local files, and only the format that was found."""
    forced = ["-protocol_whitelist", "file,pipe", "-f", DEMUXERS[call.input_format]]
    return [*forced, "-i", f"file:{call.source}"]


def _watch(call: EngineCall, seconds: float, base: float, share: float) -> Callable[[str], None]:
    def tell(line: str) -> None:
        name, _, value = line.partition("=")
        if name == "out_time_us" and value.strip().isdecimal() and seconds:
            done = min(1.0, int(value) / 1e6 / seconds)
            call.progress(min(0.99, base + share * done), "encoding")

    return tell


def _filters(options: CompressOptions) -> list[str]:
    size = (
        f"-2:'min({options.max_height - options.max_height % 2},ih)'" if options.max_height else ""
    )
    chain = [f"scale={size}"] if size else ["scale=trunc(iw/2)*2:trunc(ih/2)*2"]
    if options.fps:
        chain.append(f"fps={options.fps}")
    return ["-vf", ",".join(chain)]


def _codec(code: str) -> list[str]:
    if code == "webm":
        return ["-c:v", "libvpx-vp9", "-deadline", "good", "-cpu-used", "5", "-row-mt", "1"]
    if code == "avi":
        return ["-c:v", "mpeg4"]
    return ["-c:v", "libx264", "-preset", "medium"]


def _sound(code: str, media: Media, kbps: int) -> list[str]:
    if not media.has_audio:
        return ["-an"]
    name = {"webm": "libopus", "avi": "libmp3lame"}.get(code, "aac")
    return ["-map", "0:a:0", "-c:a", name, "-b:a", f"{kbps}k"]


def compress(call: EngineCall) -> EngineResult:
    """A smaller recording of the same format; the original when nothing can be won."""
    options = call.options
    assert isinstance(options, CompressOptions)  # noqa: S101
    media = probe(call)
    if not media.has_video:
        raise InputRejected("The file has no moving picture.", code="engine_failed")
    before = call.source.stat().st_size
    wanted = round((options.target_size_mb or 0) * 1_000_000)
    if wanted and wanted < before:
        _to_size(call, options, media, wanted)
    elif not wanted:
        _to_quality(call, options, media)
    after = call.target.stat().st_size if call.target.exists() else before
    kept = not call.target.exists() or after >= before
    warnings: list[str] = []
    if kept:
        shutil.copyfile(call.source, call.target)
        warnings.append("Nothing could be saved; the original file is returned unchanged.")
        after = before
    elif wanted and after > wanted * 1.05:
        warnings.append("The size asked for is too small for this recording.")
    facts = {"before": before, "after": after, "target": wanted, "kept_original": kept}
    return EngineResult(outputs=(call.target,), warnings=tuple(warnings), facts=facts)


def _to_quality(call: EngineCall, options: CompressOptions, media: Media) -> None:
    code = call.output_format
    if code == "avi":
        rate = ["-q:v", str(max(2, round(31 - options.quality * 0.29)))]
    elif code == "webm":
        rate = ["-crf", str(round(60 - options.quality * 0.4)), "-b:v", "0"]
    else:
        rate = ["-crf", str(round(40 - options.quality * 0.24))]
    argv = [*_SAFE, *PROGRESS, "-y", *_given(call), "-map", "0:V:0", *_filters(options)]
    argv += [*_codec(code), *rate, "-pix_fmt", "yuv420p", *_sound(code, media, 96)]
    argv += [*_tail(code), f"file:{call.target}"]
    _run(argv, call, _watch(call, media.seconds, 0.0, 1.0))


def _tail(code: str) -> list[str]:
    fast = ["-movflags", "+faststart"] if code in ("mp4", "mov", "m4a") else []
    return ["-sn", "-dn", "-threads", "2", *fast, "-f", _MUXER[code]]


def _rates(wanted: int, media: Media) -> _Rates:
    if media.seconds <= 0:
        raise OptionUnsupported("The recording's length is unknown, so no size can be aimed at.")
    total = wanted * 8 / 1000 / media.seconds * _AIM
    audio = 0
    if media.has_audio:
        audio = next((rate for rate in (128, 96, 64, 48, 32) if rate <= total * 0.25), 24)
    return _Rates(max(_LEAST_KBPS, round(total - audio)), audio)


def _to_size(call: EngineCall, options: CompressOptions, media: Media, wanted: int) -> None:
    rates = _rates(wanted, media)
    _two_passes(call, options, media, rates, (0.0, 0.35, 0.55))
    made = call.target.stat().st_size
    for _ in range(2):
        off = made / wanted
        if 1 - 0.05 + 0.005 <= off <= 1 + _TOLERANCE or rates.video <= _LEAST_KBPS:
            return
        sound = rates.audio * 1000 / 8 * media.seconds
        factor = max(0.2, (wanted * _AIM - sound)) / max(1.0, made - sound)
        rates = _Rates(max(_LEAST_KBPS, round(rates.video * factor)), rates.audio)
        _second_pass(call, options, media, rates, (0.9, 0.09))
        made = call.target.stat().st_size


def _two_passes(
    call: EngineCall,
    options: CompressOptions,
    media: Media,
    rates: _Rates,
    shares: tuple[float, float, float],
) -> None:
    base, first, second = shares
    log = f"{call.workdir}/passes"
    argv = [*_SAFE, *PROGRESS, "-y", *_given(call), "-map", "0:V:0", *_filters(options)]
    argv += [*_codec(call.output_format), "-b:v", f"{rates.video}k", "-pix_fmt", "yuv420p"]
    argv += ["-pass", "1", "-passlogfile", log, "-an", "-threads", "2", "-f", "null", "/dev/null"]
    _run(argv, call, _watch(call, media.seconds, base, first))
    _second_pass(call, options, media, rates, (base + first, second))


def _second_pass(
    call: EngineCall,
    options: CompressOptions,
    media: Media,
    rates: _Rates,
    shares: tuple[float, float],
) -> None:
    code = call.output_format
    argv = [*_SAFE, *PROGRESS, "-y", *_given(call), "-map", "0:V:0", *_filters(options)]
    argv += [*_codec(code), "-b:v", f"{rates.video}k", "-pix_fmt", "yuv420p"]
    argv += ["-pass", "2", "-passlogfile", f"{call.workdir}/passes"]
    argv += [*_sound(code, media, rates.audio), *_tail(code), f"file:{call.target}"]
    _run(argv, call, _watch(call, media.seconds, *shares))


def frame(call: EngineCall) -> EngineResult:
    """One picture of a film, as PNG; the nearest to the second asked for that is no cut black."""
    options = call.options
    assert isinstance(options, FrameOptions)  # noqa: S101
    media = probe(call)
    if not media.has_video:
        raise InputRejected("The file has no moving picture.", code="engine_failed")
    at = options.at if options.at is not None else media.seconds * 0.1
    if media.seconds and at >= media.seconds:
        raise OptionUnsupported(f"at is past the end; there are {media.seconds:.2f} seconds.")
    chosen = ["-vf", "thumbnail=30"] if options.at is None else []
    argv = [*_SAFE, "-y", "-ss", f"{at:.3f}", *_given(call), "-map", "0:V:0", *chosen]
    argv += ["-frames:v", "1", "-update", "1", "-threads", "2", "-f", "image2", "-c:v", "png"]
    _run([*argv, f"file:{call.target}"], call)
    if not call.target.exists():  # the last frame may begin before ``at``
        argv[argv.index("-ss") + 1] = "0"
        _run([*argv, f"file:{call.target}"], call)
    return EngineResult(outputs=(call.target,), facts={"at": round(at, 3)})


def strip(call: EngineCall) -> EngineResult:
    """The same streams, copied bit by bit, without titles, places, dates and cover pictures."""
    media = probe(call)
    argv = [*_SAFE, *PROGRESS, "-y", *_given(call), "-map", "0:V?", "-map", "0:a?"]
    argv += ["-map", "0:s?"] if call.output_format in ("mkv", "webm", "mp4", "mov") else []
    argv += ["-c", "copy", "-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact"]
    argv += ["-flags:v", "+bitexact", "-flags:a", "+bitexact"]
    argv += [*_tail(call.output_format)[2:], f"file:{call.target}"]
    _run(argv, call, _watch(call, media.seconds, 0.0, 1.0))
    return EngineResult(outputs=(call.target,), facts={"duration_seconds": media.seconds})


def _spec(
    name: str,
    routes: tuple[Route, ...],
    options: type[EngineOptions],
    run: Callable[[EngineCall], EngineResult],
) -> EngineSpec:
    return EngineSpec(
        id=f"media_{name}",
        name=f"FFmpeg ({name})",
        licence="GPL-2.0-or-later",
        routes=routes,
        options=options,
        runner=Runner.PROCESS,
        queue=Queue.MEDIA,
        sandbox="media",
        seconds=2.0,
        units=1,
        find_version=lambda: debian_version("ffmpeg", "ffmpeg", "ffprobe"),
        run=run,
    )


def _same(codes: tuple[str, ...]) -> tuple[Route, ...]:
    return tuple(Route(inputs=(code,), outputs=(code,), fidelity=85) for code in codes)


SPECS: tuple[EngineSpec, ...] = (
    _spec("compress", _same(VIDEO), CompressOptions, compress),
    _spec("frame", (Route(inputs=VIDEO, outputs=("png",), fidelity=10),), FrameOptions, frame),
    _spec("strip", _same(STRIPPABLE), StripOptions, strip),
)
