"""The table that every engine runs: file, route, options, what must hold in the result, or a code.

``holds`` and ``lacks`` are words looked for in the result's text; ``fails`` is the error code that
must come instead. Files are relative to the samples folder.
"""

from __future__ import annotations

from typing import Any

from tests.conversions.more_vectors import MORE_VECTORS
from tests.conversions.vector import Vector


def _picture(file: str, target: str, **more: Any) -> Vector:
    suffix = file.rpartition(".")[2]
    source = {"tif": "tiff", "jpeg": "jpg"}.get(suffix, suffix)
    return Vector(file=file, engine="pillow", source=source, target=target, **more)


def _office(file: str, **more: Any) -> Vector:
    source = file.rpartition(".")[2]
    return Vector(file=file, engine="libreoffice", source=source, target="pdf", **more)


def _media(file: str, target: str, **more: Any) -> Vector:
    source = file.rpartition(".")[2]
    return Vector(file=file, engine="ffmpeg", source=source, target=target, **more)


def _pdf(file: str, target: str, **more: Any) -> Vector:
    engine = {"txt": "pypdf", "docx": "pdf2docx"}[target]
    return Vector(file=file, engine=engine, source="pdf", target=target, **more)


def _sheet(file: str, target: str, **more: Any) -> Vector:
    source = file.rpartition(".")[2]
    return Vector(file=file, engine="openpyxl", source=source, target=target, **more)


def _deck(file: str, target: str, **more: Any) -> Vector:
    return Vector(file=file, engine="python_pptx", source="pptx", target=target, **more)


_RASTER = ("png", "jpg", "webp", "gif", "bmp", "tiff", "ico", "avif")
_PICTURES = (
    "image/alpha.png",
    "image/gps-exif.jpg",
    "image/alpha.webp",
    "image/palette.bmp",
    "image/fax-g4.tif",
    "image/icon.ico",
    "image/hopper.avif",
    "image/photo.jp2",
)

VECTORS: tuple[Vector, ...] = (
    *(_picture(file, target) for file in _PICTURES for target in (*_RASTER, "pdf")),
    _picture("image/exif-orientation-6.jpg", "png", facts={"width": 128, "height": 128}),
    _picture("image/exif-orientation-8-photo.jpg", "png", facts={"width": 1200, "height": 1800}),
    _picture("image/cmyk.jpg", "png", facts={"width": 100, "height": 100}),
    _picture("image/animated.gif", "webp", facts={"frames": 42}),
    _picture("image/animated.gif", "png", facts={"frames": 42}),
    _picture("image/animated.gif", "jpg", facts={"frames": 1}),
    _picture("image/multipage.tiff", "pdf", facts={"pages": 3}),
    _picture("image/multipage.tiff", "png", outputs=3),
    _picture("image/alpha.png", "png", options={"width": 50}, facts={"width": 50, "height": 38}),
    _picture(
        "image/alpha.png",
        "jpg",
        options={"width": 60, "height": 20, "fit": "crop"},
        facts={"width": 60, "height": 20},
    ),
    _picture(
        "image/alpha.png",
        "webp",
        options={"width": 60, "height": 20, "fit": "scale"},
        facts={"width": 60, "height": 20},
    ),
    _picture("hostile/poly.jpg", "png", facts={"width": 64, "height": 48}),
    _picture("hostile/profile.png", "png", lacks=("root:", "profile")),
    _picture("hostile/bomb.png", "jpg", fails=("limit_exceeded",)),
    _picture("hostile/truncated.jpg", "png", fails=("file_corrupt",)),
    _picture("hostile/exe_as.png", "jpg", fails=("file_corrupt",)),
    _picture("hostile/mvg_as.jpg", "png", fails=("file_corrupt",)),
    _pdf("pdf/multi-page.pdf", "txt", holds=("Evolution", "dynamics")),
    _pdf("pdf/multi-page.pdf", "txt", options={"page_range": "1"}),
    _pdf("pdf/multi-page.pdf", "docx", holds=("Evolution", "dynamics")),
    _pdf("pdf/korean-tables.pdf", "txt", holds=("세븐일레븐",), verdicts=("verified", "warnings")),
    _pdf("pdf/rotated-2-pages.pdf", "docx", holds=("landscape",)),
    _pdf("pdf/encrypted.pdf", "txt", password="1234", holds=("DocLayNet",)),
    _pdf("pdf/encrypted.pdf", "txt", fails=("file_encrypted",)),
    _pdf("pdf/encrypted.pdf", "txt", password="wrong", fails=("password_wrong",)),
    _pdf("hostile/password.pdf", "docx", password="sample-secret", holds=("VISIBLE",)),
    _pdf("hostile/password.pdf", "docx", fails=("file_encrypted",)),
    _pdf("hostile/password.pdf", "docx", password="no", fails=("password_wrong",)),
    _pdf("hostile/actions.pdf", "docx", holds=("VISIBLE",), lacks=("app.alert", "/bin/true")),
    _pdf("hostile/loop.pdf", "txt", fails=("file_corrupt",)),
    _pdf("hostile/pages_20000.pdf", "txt", fails=("limit_exceeded",)),
    _pdf("hostile/truncated.pdf", "docx", fails=("file_corrupt",)),
    _pdf("hostile/jpg_as.pdf", "docx", fails=("file_corrupt",)),
    *(_deck("pptx/deck-with-chart.pptx", target) for target in ("txt", "json")),
    *(_deck("pptx/comments.pptx", target) for target in ("txt", "json")),
    _deck("hostile/empty.docx", "txt", fails=("file_corrupt",)),
    _sheet("xlsx/table-with-title.xlsx", "csv", facts={"rows": 8}),
    _sheet("xlsx/segments.xlsx", "csv", outputs=5),
    _sheet("xlsx/segments.xlsx", "csv", options={"sheet": "2"}),
    _sheet("xlsx/segments.xlsx", "json", facts={"sheets": 5}),
    _sheet("xlsx/charts.xlsx", "txt"),
    _sheet("csv/semicolon.csv", "xlsx", facts={"rows": 6, "formulas": 0}),
    _sheet("csv/shift-jis.csv", "xlsx", holds=("佐藤太郎", "髙橋淳")),
    _sheet("csv/utf-16.csv", "xlsx", facts={"rows": 5}),
    _sheet("hostile/formula.csv", "xlsx", facts={"formulas": 0, "rows": 3}),
    *(
        _media(f"audio/{file}", target)
        for file in ("short.wav", "speech-en.mp3", "tone.flac", "cover-art.ogg", "short.opus")
        for target in ("mp3", "wav", "flac", "ogg", "m4a", "opus", "aac")
    ),
    *(
        _media(f"video/{file}", target)
        for file in ("ten-seconds.mp4", "short.webm", "short.mkv", "short.avi", "mjpeg.mov")
        for target in ("mp4", "webm", "mov", "mkv", "avi", "mp3")
    ),
    _media(
        "video/ten-seconds.mp4",
        "webm",
        options={"start": 2, "end": 4, "width": 160},
        facts={"width": 160, "height": 160},
    ),
    _media("video/ten-seconds.mp4", "mkv", options={"codec": "copy"}),
    _media(
        "audio/speech-en.mp3",
        "wav",
        options={"sample_rate": 16000, "channels": 1},
        facts={"sample_rate": 16000, "channels": 1},
    ),
    _media(
        "video/ten-seconds.mp4", "mp4", options={"start": 5, "end": 4}, fails=("engine_failed",)
    ),
    _media("hostile/playlist.mp4", "mp3", fails=("file_corrupt",)),
    _media("hostile/playlist.mp4", "webm", fails=("file_corrupt",)),
    _office("docx/report-with-images.docx", holds=("AutoGen", "Introduction")),
    _office("docx/header-footer.docx", facts={"pages": 2}, holds=("section",)),
    _office("docx/header-footer.docx", options={"page_range": "1"}, facts={"pages": 1}),
    _office("docx/header-footer.docx", options={"pdfa": "2b"}, facts={"pages": 2}),
    _office("docx/equations.docx", verdicts=("verified", "warnings")),
    _office("xlsx/segments.xlsx"),
    _office("xlsx/table-with-title.xlsx"),
    _office("pptx/deck-with-chart.pptx", facts={"pages": 6}),
    _office("pptx/comments.pptx", facts={"pages": 3}),
    _office("odt/english-spanish.odt", holds=("brotherhood", "derechos")),
    _office("doc/emphasis.doc", holds=("italic",)),
    _office("rtf/small.rtf"),
    _office("xls/multi-sheet.xls"),
    _office("ods/table.ods"),
    _office("ppt/legacy-powerpoint.ppt"),
    _office("odp/presentation.odp", facts={"pages": 3}, verdicts=("verified", "warnings")),
    _office("hostile/include.docx", holds=("VISIBLE",), lacks=("root:",)),
    _office("hostile/remote.odt", holds=("VISIBLE",), lacks=("root:", "daemon")),
    _office(
        "hostile/nested_tables.docx",
        verdicts=("verified", "warnings", "failed"),
        fails=("timed_out", "engine_failed", ""),
    ),
    _office("hostile/laughs.docx", fails=("file_corrupt",)),
    _office("hostile/xxe.docx", fails=("file_corrupt",)),
    _office("hostile/empty.docx", fails=("file_corrupt",)),
    *MORE_VECTORS,
)
