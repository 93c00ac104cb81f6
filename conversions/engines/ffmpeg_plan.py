"""What FFmpeg is told: demuxers, codecs and filters of each pair, compiled by ffmpeg-python."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ffmpeg

from conversions.engines import ffmpeg_tables as tables
from conversions.engines.ffmpeg_tables import DEMUXERS
from conversions.engines.program import run_program
from conversions.engines.spec import EngineCall, InputRejected, LimitExceeded, OptionUnsupported
from sandbox.profiles import PROFILES

# ABR 1 GiB: one broken header must not make FFmpeg ask for all memory at once.
PROGRESS = ("-stats_period", "0.2", "-progress", "pipe:1")
_SAFE = ("-nostdin", "-hide_banner", "-loglevel", "error", "-max_alloc", str(1 << 30))
_LOCAL = "file,pipe"
_PROBE = replace(PROFILES["media"], wall_s=30)
MAX_SECONDS = 12 * 3600


@dataclass(frozen=True)
class Media:
    """What the probe found."""

    seconds: float
    has_audio: bool
    has_video: bool
    has_chapters: bool = False
    channels: int = 0
    sound: str = ""  # codecs by ffprobe's names
    picture: str = ""
    turned: bool = False  # by a note of the container, which others would lose


def _probe_arguments(source: Path, code: str) -> list[str]:
    """ffprobe on one file, as exactly the format named."""
    show = [
        "-show_entries",
        "format=duration:stream=codec_type,codec_name,channels,duration:stream_disposition=attached_pic:stream_side_data=rotation",
    ]
    forced = ["-protocol_whitelist", _LOCAL, "-f", DEMUXERS[code]]
    return ["ffprobe", "-v", "error", "-of", "json", *show, *forced, "-i", f"file:{source}"]


def _read_probe(text: str) -> Media | None:
    """ffprobe's answer; None when it is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    streams = found.get("streams", [])
    moving = [
        s
        for s in streams
        if s.get("codec_type") == "video" and not s.get("disposition", {}).get("attached_pic")
    ]
    sounds = [s for s in streams if s.get("codec_type") == "audio"]
    lengths = [found.get("format", {}).get("duration"), *(s.get("duration") for s in streams)]
    seconds = next((float(value) for value in lengths if value), 0.0)
    return Media(
        seconds,
        bool(sounds),
        bool(moving),
        channels=int(sounds[0].get("channels") or 0) if sounds else 0,
        sound=str(sounds[0].get("codec_name", "")) if sounds else "",
        picture=str(moving[0].get("codec_name", "")) if moving else "",
        turned=any(
            side.get("rotation") for one in moving for side in one.get("side_data_list", ())
        ),
    )


def probe(call: EngineCall) -> Media:
    """What the recording holds; damaged, foreign and overlong ones are refused."""
    lines: list[str] = []
    argv = _probe_arguments(call.source, call.input_format)
    try:
        run_program(call, argv, profile=_PROBE, name="FFmpeg", on_line=lines.append)
    except InputRejected as error:
        raise _unreadable(call, error.detail) from error
    media = _read_probe("\n".join(lines))
    if media is None or not (media.has_audio or media.has_video):
        raise _unreadable(call, "")
    if media.seconds > MAX_SECONDS:
        raise LimitExceeded("The recording is longer than 12 hours.")
    return media


def _unreadable(call: EngineCall, detail: str) -> InputRejected:
    text = f"The file can't be read as {call.input_format.upper()}: it is damaged or another."
    return InputRejected(text, detail=detail)


def _even_scale(stream: Any, options: Mapping[str, Any]) -> Any:
    """The size asked for, kept in proportion by -2; else the next even size, which codecs need."""
    width, height = options["width"], options["height"]
    if width or height:
        return stream.filter("scale", _even(width), _even(height))
    return stream.filter("scale", "trunc(iw/2)*2", "trunc(ih/2)*2")


def _even(side: int | None) -> int:
    return side - side % 2 if side else -2


def _picture(options: Mapping[str, Any], code: str) -> dict[str, Any]:
    codec = options["codec"] if options["codec"] != "auto" else tables.PICTURE[code]
    if codec not in tables.HOLDS[code]:
        raise OptionUnsupported(f"{code.upper()} can't hold {codec}.")
    made: dict[str, Any] = {"c:v": tables.ENCODERS[codec], "pix_fmt": "yuv420p"}
    made |= _grade(codec, options["quality"] or 70, options["bitrate"])
    if codec in ("vp8", "vp9"):
        made |= {"deadline": "realtime", "cpu-used": 6}
        made |= {"row-mt": 1} if codec == "vp9" else {}
    if codec in ("h264", "hevc"):
        made["preset"] = "veryfast"
    if codec == "hevc":
        made["x265-params"] = "log-level=error:pools=2"
    return made


def _grade(codec: str, quality: int, bitrate: int | None) -> dict[str, Any]:
    """Our 1–100 on each encoder's own scale."""
    if bitrate:
        return {"b:v": f"{bitrate}k"}
    if codec in ("vp8", "vp9"):
        return {"crf": round(56 - quality * 0.36), "b:v": "0" if codec == "vp9" else "4M"}
    if codec in ("h264", "hevc"):
        return {"crf": round(44 - quality * 0.3)}
    if codec == "theora":
        return {"q:v": max(1, round(quality / 10))}
    return {"q:v": max(1, round(31 - quality * 0.3))}


def _sound(options: Mapping[str, Any], code: str, *, alone: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"c:a": tables.SOUND[code]}
    if options["bitrate"] and alone and code not in tables.LOSSLESS:
        made["b:a"] = f"{options['bitrate']}k"
    elif alone and code == "mp3":
        made["q:a"] = round(9 - (options["quality"] or 80) * 0.09)
    elif alone and code == "ogg":
        made["q:a"] = round((options["quality"] or 60) / 10)
    if options["sample_rate"]:
        made["ar"] = _rate(options["sample_rate"], code)
    if options["channels"]:
        made["ac"] = options["channels"]
    elif made["c:a"] == "libopus":  # it knows one order of six channels, not that of DVDs
        made["af"] = f"aformat=channel_layouts={_OPUS_LAYOUTS}"
    return made


_OPUS_LAYOUTS = "mono|stereo|3.0|quad|5.0|5.1|6.1|7.1"


def _rate(rate: int, code: str) -> int:
    if tables.SOUND[code] == "libopus" and rate not in (8000, 16000, 24000, 48000):
        raise OptionUnsupported("Opus sound has 8000, 16000, 24000 or 48000 samples a second.")
    if code == "mp3" and rate > 48000:
        raise OptionUnsupported("MP3 holds at most 48000 samples a second.")
    return rate


def arguments(call: EngineCall, options: Mapping[str, Any], media: Media) -> list[str]:
    """The whole command line of one conversion."""
    code = call.output_format
    given: dict[str, Any] = {"protocol_whitelist": _LOCAL, "f": DEMUXERS[call.input_format]}
    if options["start"]:
        given["ss"] = options["start"]
    source = ffmpeg.input(f"file:{call.source}", **given)
    extra: dict[str, Any] = {"f": tables.MUXERS[code], "map_metadata": 0, "threads": 2}
    if options["end"] is not None:
        extra["t"] = round(options["end"] - (options["start"] or 0), 6)
    streams: list[Any] = []
    copies = _may_copy(options, media, call)
    if code in tables.PICTURE:
        chosen = {**options, "codec": "copy"} if copies else options
        streams, extra = _video(source, chosen, media, code, extra)
    elif copies:
        streams, extra = [source["a:0"]], extra | {"c": "copy", "vn": None}
    else:
        streams = [source["a:0"]]
        extra |= _sound(options, code, alone=True)
        extra["vn"] = None
    extra |= _of_container(code)
    if call.input_format in ("spx", "sbc") and media.channels and "ac" not in extra:
        extra["ac"] = media.channels  # they name no layout, which AAC insists on
    if code in ("mp4", "m4v", "f4v", "mov", "m4a", "m4b", "m4r", "3gp", "3g2"):
        extra["movflags"] = "+faststart"
    extra["sn"] = extra["dn"] = None
    made: list[str] = ffmpeg.output(*streams, f"file:{call.target}", **extra).compile()
    return ["ffmpeg", *_SAFE, *PROGRESS, "-y", "-filter_threads", "1", *made[1:]]


def _of_container(code: str) -> dict[str, Any]:
    """What single containers insist on."""
    if code == "m2ts":
        return {"mpegts_m2ts_mode": 1}
    if code == "rf64":
        return {"rf64": "always"}
    return {"ar": 48000} if code == "mxf" else {}


_TURNING = frozenset({"mp4", "m4v", "mov"})  # containers that note how a film is turned


def _may_copy(options: Mapping[str, Any], media: Media, call: EngineCall) -> bool:
    """The streams fit into the target as they are, and nothing was asked that changes them."""
    changes: tuple[str, ...] = ("width", "height", "fps", "bitrate", "quality", "start", "end")
    changes += ("sample_rate", "channels")
    code = call.output_format
    if options["codec"] != "auto" or any(options[name] for name in changes):
        return False
    if call.input_format in (code, *tables.BARE) or code not in tables.COPY_SOUND:
        return False
    sound = not media.has_audio or media.sound in tables.COPY_SOUND[code]
    if code not in tables.PICTURE:
        return sound
    keeps_turn = not media.turned or code in _TURNING
    return sound and keeps_turn and media.picture in tables.HOLDS[code]


def _gif(source: Any, options: Mapping[str, Any]) -> Any:
    """A palette of its own, at most 12 frames a second and 480 pixels unless asked otherwise."""
    picture = source["V:0"].filter("fps", options["fps"] or 12, eof_action="pass")
    if options["width"] or options["height"]:
        picture = picture.filter("scale", options["width"] or -1, options["height"] or -1)
    else:
        picture = picture.filter("scale", "min(480,iw)", -1)
    both = picture.split()
    return ffmpeg.filter([both[0], both[1].filter("palettegen")], "paletteuse")


def _video(
    source: Any, options: Mapping[str, Any], media: Media, code: str, extra: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    sounds = [source["a:0"]] if media.has_audio and code not in tables.SILENT else []
    if not media.has_video:
        return sounds, extra | {"vn": None, **_sound(options, code, alone=True)}
    if options["codec"] == "copy":
        shaped = any(options[name] for name in ("width", "height", "fps", "bitrate", "quality"))
        if shaped:
            raise OptionUnsupported("codec=copy can't change the picture.")
        return [source["V:0"], *sounds], extra | {"c": "copy"}
    if code == "gif":
        return [_gif(source, options)], extra
    picture = _even_scale(source["V:0"], options)
    rate = options["fps"] or (25 if tables.PICTURE[code] == "mpeg2" else None)
    if rate:  # MPEG-2 knows a few rates only
        picture = picture.filter("fps", rate)
    extra = extra | _picture(options, code)
    if sounds:
        extra |= _sound(options, code, alone=False)
    return [picture, *sounds], extra
