"""What FFmpeg is told: demuxers, codecs and filters of each pair, compiled by ffmpeg-python."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

from conversions.engines.spec import EngineCall, OptionUnsupported

DEMUXERS = {
    "mp3": "mp3",
    "wav": "wav",
    "flac": "flac",
    "ogg": "ogg",
    "opus": "ogg",
    "aac": "aac",
    "m4a": "mov",
    "mp4": "mov",
    "mov": "mov",
    "webm": "matroska",
    "mkv": "matroska",
    "avi": "avi",
    "wma": "asf",
    "aiff": "aiff",
}
_MUXERS = {
    "mp3": "mp3",
    "wav": "wav",
    "flac": "flac",
    "ogg": "ogg",
    "opus": "opus",
    "aac": "adts",
    "m4a": "ipod",
    "mp4": "mp4",
    "mov": "mov",
    "webm": "webm",
    "mkv": "matroska",
    "avi": "avi",
}
_SOUND = {
    "mp3": "libmp3lame",
    "wav": "pcm_s16le",
    "flac": "flac",
    "ogg": "libvorbis",
    "opus": "libopus",
    "aac": "aac",
    "m4a": "aac",
    "mp4": "aac",
    "mov": "aac",
    "webm": "libopus",
    "mkv": "aac",
    "avi": "libmp3lame",
}
_PICTURE = {"mp4": "h264", "mov": "h264", "mkv": "h264", "webm": "vp9", "avi": "mpeg4"}
_ENCODERS = {"h264": "libx264", "vp8": "libvpx", "vp9": "libvpx-vp9", "mpeg4": "mpeg4"}
_HOLDS = {
    "mp4": {"h264", "mpeg4", "vp9"},
    "mov": {"h264", "mpeg4"},
    "webm": {"vp8", "vp9"},
    "mkv": {"h264", "vp8", "vp9", "mpeg4"},
    "avi": {"mpeg4", "h264"},
}
_LOSSLESS = ("wav", "flac")
# ABR 1 GiB: one broken header must not make FFmpeg ask for all memory at once.
_SAFE = ("-nostdin", "-hide_banner", "-loglevel", "error", "-max_alloc", str(1 << 30))
_LOCAL = "file,pipe"


@dataclass(frozen=True)
class Media:
    """What the probe found."""

    seconds: float
    has_audio: bool
    has_video: bool
    has_chapters: bool = False


def probe_arguments(source: Path, code: str) -> list[str]:
    """ffprobe on one file, as exactly the format named."""
    show = [
        "-show_entries",
        "format=duration:stream=codec_type,codec_name,duration:stream_disposition=attached_pic",
    ]
    forced = ["-protocol_whitelist", _LOCAL, "-f", DEMUXERS[code]]
    return ["ffprobe", "-v", "error", "-of", "json", *show, *forced, "-i", f"file:{source}"]


def read_probe(text: str) -> Media | None:
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
    return Media(seconds, bool(sounds), bool(moving))


def _even_scale(stream: Any, options: Mapping[str, Any]) -> Any:
    """The size asked for, kept in proportion by -2; else the next even size, which codecs need."""
    width, height = options["width"], options["height"]
    if width or height:
        return stream.filter("scale", _even(width), _even(height))
    return stream.filter("scale", "trunc(iw/2)*2", "trunc(ih/2)*2")


def _even(side: int | None) -> int:
    return side - side % 2 if side else -2


def _picture(options: Mapping[str, Any], code: str) -> dict[str, Any]:
    codec = options["codec"] if options["codec"] != "auto" else _PICTURE[code]
    if codec not in _HOLDS[code]:
        raise OptionUnsupported(f"{code.upper()} can't hold {codec}.")
    quality = options["quality"] or 70
    made: dict[str, Any] = {"c:v": _ENCODERS[codec], "pix_fmt": "yuv420p"}
    if options["bitrate"]:
        made["b:v"] = f"{options['bitrate']}k"
    elif codec in ("vp8", "vp9"):
        made |= {"crf": round(56 - quality * 0.36), "b:v": "0" if codec == "vp9" else "4M"}
    elif codec == "h264":
        made["crf"] = round(44 - quality * 0.3)
    else:
        made["q:v"] = max(1, round(31 - quality * 0.3))
    if codec in ("vp8", "vp9"):
        made |= {"deadline": "realtime", "cpu-used": 6}
        made |= {"row-mt": 1} if codec == "vp9" else {}
    if codec == "h264":
        made["preset"] = "veryfast"
    return made


def _sound(options: Mapping[str, Any], code: str, *, alone: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"c:a": _SOUND[code]}
    if options["bitrate"] and alone and code not in _LOSSLESS:
        made["b:a"] = f"{options['bitrate']}k"
    elif alone and code == "mp3":
        made["q:a"] = round(9 - (options["quality"] or 80) * 0.09)
    elif alone and code == "ogg":
        made["q:a"] = round((options["quality"] or 60) / 10)
    if options["sample_rate"]:
        made["ar"] = _rate(options["sample_rate"], code)
    if options["channels"]:
        made["ac"] = options["channels"]
    return made


def _rate(rate: int, code: str) -> int:
    if _SOUND[code] == "libopus" and rate not in (8000, 16000, 24000, 48000):
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
    extra: dict[str, Any] = {"f": _MUXERS[code], "map_metadata": 0, "threads": 2}
    if options["end"] is not None:
        extra["t"] = round(options["end"] - (options["start"] or 0), 6)
    streams: list[Any] = []
    if code in _PICTURE:
        streams, extra = _video(source, options, media, code, extra)
    else:
        streams = [source["a:0"]]
        extra |= _sound(options, code, alone=True)
        extra["vn"] = None
    if code in ("mp4", "mov", "m4a"):
        extra["movflags"] = "+faststart"
    extra["sn"] = extra["dn"] = None
    made: list[str] = ffmpeg.output(*streams, f"file:{call.target}", **extra).compile()
    return ["ffmpeg", *_SAFE, "-progress", "pipe:1", "-y", "-filter_threads", "1", *made[1:]]


def _video(
    source: Any, options: Mapping[str, Any], media: Media, code: str, extra: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    sounds = [source["a:0"]] if media.has_audio else []
    if options["codec"] == "copy":
        shaped = any(options[name] for name in ("width", "height", "fps", "bitrate", "quality"))
        if shaped:
            raise OptionUnsupported("codec=copy can't change the picture.")
        return [source["V:0"], *sounds], extra | {"c": "copy"}
    picture = _even_scale(source["V:0"], options)
    if options["fps"]:
        picture = picture.filter("fps", options["fps"])
    extra = extra | _picture(options, code)
    if sounds:
        extra |= _sound(options, code, alone=False)
    return [picture, *sounds], extra
