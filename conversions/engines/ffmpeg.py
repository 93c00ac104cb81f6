"""FFmpeg (GPL-2.0-or-later build): audio and video among each other.

Command lines are compiled by ffmpeg-python and run in the sandbox. Input formats are forced, so
that a playlist named .mp4 is refused; only local files can be opened; progress is FFmpeg's own.
Source: https://ffmpeg.org/ffmpeg-formats.html
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from conversions.engines.ffmpeg_plan import MAX_SECONDS, Media, arguments, probe
from conversions.engines.ffmpeg_tables import (
    AUDIO_CORE,
    AUDIO_RARE_IN,
    AUDIO_RARE_OUT,
    DEMUXERS,
    SILENT,
    VIDEO_COMMON_OUT,
    VIDEO_CORE,
    VIDEO_RARE_IN,
    VIDEO_RARE_OUT,
)
from conversions.engines.program import debian_version, died, limit
from conversions.engines.spec import (
    EngineCall,
    EngineCrashed,
    EngineOptions,
    EngineResult,
    EngineSpec,
    InputRejected,
    OptionUnsupported,
    Queue,
    Route,
    Runner,
)

AUDIO_IN = (*AUDIO_CORE, *AUDIO_RARE_IN)
AUDIO_OUT = (*AUDIO_CORE, *AUDIO_RARE_OUT)
VIDEO_IN = (*VIDEO_CORE, *VIDEO_RARE_IN)
VIDEO_OUT = (*VIDEO_CORE, *VIDEO_COMMON_OUT, *VIDEO_RARE_OUT, "gif")


_MUTE_S = 2.0  # of a recording that claims more, something comes out
_PROGRAM_END = b"\x00\x00\x01\xb9"  # FFmpeg leaves it out; without it a cut-off end is not seen


class Options(EngineOptions):
    """What is kept and how it is coded."""

    bitrate: int | None = Field(
        default=None, ge=8, le=100_000, description="Kilobits a second: sound, or picture of video."
    )
    sample_rate: Literal[8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000] | None = (
        Field(default=None, description="Samples a second of the sound.")
    )
    channels: int | None = Field(default=None, ge=1, le=8, description="1 mono, 2 stereo, …")
    start: float | None = Field(default=None, ge=0, le=MAX_SECONDS, description="Seconds to skip.")
    end: float | None = Field(default=None, gt=0, le=MAX_SECONDS, description="Second to stop at.")
    width: int | None = Field(default=None, ge=16, le=7680, description="Picture width.")
    height: int | None = Field(default=None, ge=16, le=4320, description="Picture height.")
    fps: float | None = Field(default=None, ge=1, le=120, description="Frames a second.")
    codec: Literal["auto", "copy", "h264", "vp8", "vp9", "mpeg4"] = Field(
        default="auto", description="Video codec; copy keeps the streams as they are."
    )
    quality: int | None = Field(default=None, ge=1, le=100, description="1–100; 100 is best.")


def find_version() -> str | None:
    """Version of the installed FFmpeg, as dpkg notes it (starting it takes 40 ms)."""
    return debian_version("ffmpeg", "ffmpeg", "ffprobe")


def _check(call: EngineCall, options: Options, media: Media) -> float:
    """Seconds that will come out; refuses what can't work."""
    start = options.start or 0.0
    if options.end is not None and options.end <= start:
        raise OptionUnsupported("end must be later than start.")
    if media.seconds and start >= media.seconds:
        raise OptionUnsupported(f"start is past the end; there are {media.seconds:.2f} seconds.")
    if call.output_format in AUDIO_OUT and not media.has_audio:
        raise InputRejected("The file has no sound.", code="engine_failed")
    silent = call.output_format in SILENT or not media.has_audio
    if call.output_format in VIDEO_OUT and not media.has_video and silent:
        raise InputRejected("The file has no moving picture.", code="engine_failed")
    end = min(options.end or media.seconds, media.seconds) if media.seconds else options.end or 0
    return max(0.0, end - start)


class _Progress:
    """FFmpeg's ``-progress`` lines as fractions."""

    def __init__(self, call: EngineCall, seconds: float) -> None:
        self.call, self.seconds, self.reached = call, seconds, 0.0

    def __call__(self, line: str) -> None:
        name, _, value = line.partition("=")
        if name == "out_time_us" and value.strip().isdecimal():
            self.reached = int(value) / 1e6
            if self.seconds:
                self.call.progress(min(0.99, self.reached / self.seconds), "encoding")


def run(call: EngineCall) -> EngineResult:
    """Probe, then convert within what is left of the time."""
    from sandbox import runner  # noqa: PLC0415 (engines in the child never start programs)

    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    media = probe(call)
    seconds = _check(call, options, media)
    progress = _Progress(call, seconds)
    ended = runner.run(
        arguments(call, options.model_dump(), media),
        profile="media",
        workdir=call.workdir,
        deadline_s=call.left_s,
        on_stdout_line=progress,
    )
    if ended.killed:
        raise limit(ended.killed)
    if ended.returncode != 0 or not call.target.exists() or not call.target.stat().st_size:
        raise _failure(ended.returncode, ended.stderr_tail)
    if not progress.reached and seconds > _MUTE_S:
        text = "The recording is damaged or cut off: nothing in it can be played."
        raise InputRejected(text, detail=ended.stderr_tail[-800:])
    if call.output_format in ("mpg", "vob"):
        with call.target.open("ab") as file:
            file.write(_PROGRAM_END)
    warnings = ["Parts of the recording are damaged."] if "rror" in ended.stderr_tail else []
    if call.output_format in VIDEO_OUT and not media.has_video:
        warnings.append("The file has no moving picture; its sound alone is kept.")
    facts = {"duration_seconds": round(seconds, 3), "video": media.has_video}
    return EngineResult(outputs=(call.target,), warnings=tuple(warnings), facts=facts)


def _failure(code: int, stderr: str) -> Exception:
    if "Invalid data found" in stderr or "moov atom not found" in stderr:
        return InputRejected("The recording is damaged or cut off.", detail=stderr[-800:])
    if died(code):
        return EngineCrashed("FFmpeg ended without a result.", detail=stderr[-800:])
    return OptionUnsupported("FFmpeg can't make this result.", detail=stderr[-800:])


_WITH_SOUND = tuple(code for code in VIDEO_RARE_IN if code not in SILENT)
_SOUND = ("bitrate", "sample_rate", "channels", "start", "end", "quality")

SPEC = EngineSpec(
    id="ffmpeg",
    name="FFmpeg",
    licence="GPL-2.0-or-later",
    routes=(
        Route(
            inputs=AUDIO_IN,
            outputs=("wav", "flac", "aiff"),
            fidelity=98,
            options=_SOUND,
            loses=("cover pictures",),
        ),
        Route(
            inputs=AUDIO_IN,
            outputs=("mp3", "ogg", "m4a", "opus", "aac", "wma"),
            fidelity=90,
            loses=("inaudible detail", "cover pictures"),
            options=_SOUND,
        ),
        Route(
            inputs=AUDIO_CORE,
            outputs=AUDIO_RARE_OUT,
            fidelity=88,
            loses=("inaudible detail", "cover pictures"),
            options=_SOUND,
        ),
        Route(
            inputs=VIDEO_IN,
            outputs=(*VIDEO_CORE, *VIDEO_COMMON_OUT),
            fidelity=85,
            loses=("fine detail", "subtitles", "chapters"),
        ),
        Route(
            inputs=VIDEO_CORE,
            outputs=VIDEO_RARE_OUT,
            fidelity=80,
            loses=("fine detail", "subtitles", "chapters", "sound in bare streams"),
        ),
        Route(
            inputs=VIDEO_CORE,
            outputs=("gif",),
            fidelity=40,
            loses=("sound", "all but 256 colours", "frames over 12 a second"),
            options=("start", "end", "width", "height", "fps"),
        ),
        Route(
            inputs=("gif",),
            outputs=VIDEO_CORE,
            fidelity=80,
            loses=("transparency", "fine detail"),
        ),
        Route(
            inputs=(*VIDEO_CORE, *_WITH_SOUND),
            outputs=("mp3", "wav", "flac", "ogg", "m4a", "opus", "aac"),
            fidelity=60,
            loses=("the picture",),
            options=_SOUND,
        ),
    ),
    options=Options,
    runner=Runner.PROCESS,
    queue=Queue.MEDIA,
    sandbox="media",
    seconds=1.0,
    units=1,
    find_version=find_version,
    run=run,
)

assert set(AUDIO_IN + VIDEO_IN) <= set(DEMUXERS)  # noqa: S101
