"""Vectors of pictures, fonts, subtitles, data and mail by the engines beside Pillow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.conversions.vector import Vector


def _by(engine: str, file: str, target: str, **more: Any) -> Vector:
    suffix = file.rpartition(".")[2]
    source = {"tif": "tiff", "jpeg": "jpg"}.get(suffix, suffix)
    return Vector(file=file, engine=engine, source=source, target=target, **more)


_OTF = "font/TestVGID-Regular.otf"
_SRT = "subtitle/subtitles.srt"
_MAIL = "mail/attachments.eml"
_OUTLOOK = "mail/outlook-attachment.msg"
_YAML = "data/simple.yaml"

OWN = Path(__file__).parents[1] / "samples"

MORE_VECTORS: tuple[Vector, ...] = (
    _by("film_subtitles", f"{OWN}/video/two-subtitles.mkv", "srt"),
    _by("single_file", f"{OWN}/archive/numbers.txt.gz", "xz"),
    _by("calendars", f"{OWN}/calendar.ics", "csv"),
    _by("camera_raw", f"{OWN}/image/lossless-14.dng", "jpg"),
    _by("camera_raw", f"{OWN}/image/exiv2-iphone-pruned.dng", "jpg", fails=("file_corrupt",)),
    _by("light", f"{OWN}/image/kimageformats.hdr", "png", facts={"width": 32, "height": 32}),
    _by("light", f"{OWN}/image/rgb-gimp.exr", "jpg", facts={"width": 32, "height": 32}),
    _by("mailboxes", f"{OWN}/mail/python.mbox", "txt", holds=("dingus", "zażółć", "chmurność")),
    _by("mailboxes", f"{OWN}/mail/python.mbox", "csv", holds=("lyrics",)),
    _by("libreoffice", f"{OWN}/vector/poi-diagram.emf", "pdf", holds=("analyse", "breeches")),
    _by("libreoffice", f"{OWN}/vector/pikachu.wmf", "svg"),
    *(_by("pillow", "image/two-layers.psd", target) for target in ("png", "tga", "qoi", "ppm")),
    *(
        _by("pillow", "image/gps-exif.jpg", target)
        for target in (
            *("apng", "dib", "icns", "jp2", "j2k", "tga", "pcx", "ppm", "pgm", "pbm", "pnm"),
            *("sgi", "bw", "dds", "qoi", "xbm", "msp"),
        )
    ),
    *(
        _by("vips", "image/three-images.heic", target)
        for target in ("jpg", "png", "webp", "jxl", "heif")
    ),
    _by("vips", "image/alpha.png", "heic"),
    _by("vips", "image/alpha.png", "jxl", options={"lossless": True}),
    *(
        _by("imagemagick", "image/gps-exif.jpg", target)
        for target in ("psd", "psb", "xpm", "xwd", "ras", "pam", "dcx")
    ),
    *(_by("librsvg", "image/logo.svg", target) for target in ("png", "pdf", "ps", "eps")),
    _by("librsvg", "hostile/remote.svg", "png", facts={"width": 90, "height": 60}),
    _by("librsvg", "hostile/xxe.svg", "png", fails=("file_corrupt", "")),
    *(_by("fonttools", _OTF, target) for target in ("ttf", "otf", "woff", "woff2", "ttx")),
    _by("fonttools", "font/OpenSans.woff2", "otf"),
    _by("fonttools", "font/ArefRuqaa-Regular.ttf", "otf"),
    *(
        _by("pysubs2", _SRT, target)
        for target in ("vtt", "ass", "ssa", "ttml", "sub", "mpl2", "tmp", "txt")
    ),
    _by("pysubs2", _SRT, "vtt", options={"shift": 5}),
    *(
        _by("data", _YAML, target, verdicts=("verified", "warnings"))
        for target in ("json", "toml", "xml", "csv", "md", "html")
    ),
    _by("data", "csv/semicolon.csv", "parquet", facts={"rows": 5}),
    _by("data", "csv/semicolon.csv", "json"),
    _by(
        "data",
        "hostile/aliases.yaml",
        "json",
        fails=("file_malicious", "output_too_large", "memory_exceeded", "timed_out"),
    ),
    *(_by("mail", _OUTLOOK, target) for target in ("eml", "txt", "html")),
    _by("mail", _OUTLOOK, "eml", facts={"attachments": 2}),
    _by("mail", _MAIL, "txt"),
    # Its text part and its HTML part say different things: the check knows the text only.
    _by("mail", _MAIL, "html", holds=("main",), verdicts=("verified", "warnings")),
    _by("ffmpeg", "video/ten-seconds.mp4", "gif"),
    _by("ffmpeg", "image/animated.gif", "mp4"),
    *(
        _by("ffmpeg", "video/short.mkv", target)
        for target in ("wmv", "flv", "mpg", "ts", "ogv", "3gp", "mxf", "m2ts")
    ),
    *(
        _by("ffmpeg", "audio/speech-en.mp3", target)
        for target in ("wma", "aiff", "caf", "ac3", "mp2", "mka", "w64", "au", "tta")
    ),
    _by("ffmpeg", "hostile/frames.gif", "mp4", fails=("timed_out", "output_too_large", "")),
)
