"""Faults put into good results: each must be caught."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from conversions.verification import Report, verify
from tests.conversions.support import convert, sample

pytestmark = pytest.mark.engine

RESULTS = {
    "picture": ("image/gps-exif.jpg", "pillow", "jpg", "png"),
    "office": ("docx/report-with-images.docx", "libreoffice", "docx", "pdf"),
    "document": ("pdf/multi-page.pdf", "pdf2docx", "pdf", "docx"),
    "table": ("csv/semicolon.csv", "openpyxl", "csv", "xlsx"),
    "sound": ("audio/speech-en.mp3", "ffmpeg", "mp3", "wav"),
    "drawing": ("image/logo.svg", "librsvg", "svg", "png"),
    "photo": ("image/three-images.heic", "vips", "heic", "jxl"),
    "rare": ("image/gps-exif.jpg", "pillow", "jpg", "tga"),
    "font": ("font/TestVGID-Regular.otf", "fonttools", "otf", "ttf"),
    "subtitles": ("subtitle/subtitles.srt", "pysubs2", "srt", "vtt"),
    "data": ("csv/semicolon.csv", "data", "csv", "parquet"),
    "mail": ("mail/outlook-attachment.msg", "mail", "msg", "eml"),
    "film": ("video/ten-seconds.mp4", "ffmpeg", "mp4", "webm"),
}


def _check(source: Path, output: Path, kind: str, **claims: Any) -> Report:
    _, engine, before, after = RESULTS[kind]
    return verify(source, before, (output,), after, {}, engine, claims=claims)


def _failed(report: Report) -> set[str]:
    assert report.verdict == "failed", report
    return {check.name for check in report.checks if not check.ok and check.severe}


@pytest.mark.parametrize("kind", RESULTS)
def test_good_empty_truncated_and_wrong_type(kind: str, tmp_path: Path) -> None:
    source, result = convert(tmp_path, *RESULTS[kind])
    output = result.outputs[0]
    good = output.read_bytes()
    assert _check(source, output, kind).verdict == "verified"

    output.write_bytes(b"")
    assert _failed(_check(source, output, kind)) == {"not_empty"}

    output.write_bytes(good[: len(good) // 2])
    assert _failed(_check(source, output, kind))

    shutil.copyfile(sample("image/animated.gif"), output)
    assert _failed(_check(source, output, kind)) == {"type"}


def test_a_blank_picture_is_caught(tmp_path: Path) -> None:
    from PIL import Image

    source, result = convert(tmp_path, *RESULTS["picture"])
    Image.new("RGB", (100, 68), "white").save(result.outputs[0])

    assert "not_blank" in _failed(_check(source, result.outputs[0], "picture"))


def test_a_picture_of_another_size_is_caught(tmp_path: Path) -> None:
    from PIL import Image

    source, result = convert(tmp_path, *RESULTS["picture"])
    with Image.open(source) as image:
        image.resize((50, 34)).save(result.outputs[0])

    assert _failed(_check(source, result.outputs[0], "picture")) == {"dimensions"}


def test_half_the_pages_are_caught(tmp_path: Path) -> None:
    from pypdf import PdfReader, PdfWriter

    source, result = convert(tmp_path, *RESULTS["office"])
    pages = len(PdfReader(result.outputs[0]).pages)
    writer = PdfWriter()
    for page in PdfReader(result.outputs[0]).pages[: pages // 2]:
        writer.add_page(page)
    writer.write(result.outputs[0])

    assert "text_kept" in _failed(_check(source, result.outputs[0], "office"))
    assert "pages" in _failed(_check(source, result.outputs[0], "office", pages=pages))


def test_blank_pages_are_caught(tmp_path: Path) -> None:
    from pypdf import PdfWriter

    source, result = convert(tmp_path, *RESULTS["office"])
    writer = PdfWriter()
    for _ in range(3):
        writer.add_blank_page(width=595, height=842)
    writer.write(result.outputs[0])

    assert "not_blank" in _failed(_check(source, result.outputs[0], "office", pages=3))


def test_half_the_document_is_caught(tmp_path: Path) -> None:
    from docx import Document

    source, result = convert(tmp_path, *RESULTS["document"])
    document = Document(str(result.outputs[0]))
    body = document.element.body
    for child in list(body)[len(body) // 3 : -1]:
        body.remove(child)
    document.save(str(result.outputs[0]))

    assert "text_kept" in _failed(_check(source, result.outputs[0], "document"))


def test_lost_rows_are_caught(tmp_path: Path) -> None:
    import openpyxl

    source, result = convert(tmp_path, *RESULTS["table"])
    book = openpyxl.load_workbook(result.outputs[0])
    book.worksheets[0].delete_rows(3, 4)
    book.save(result.outputs[0])

    assert "rows" in _failed(_check(source, result.outputs[0], "table"))


def test_half_a_film_and_a_black_film_are_caught(tmp_path: Path) -> None:
    from sandbox import runner

    source, result = convert(tmp_path, *RESULTS["film"])
    output = result.outputs[0]
    make = ["ffmpeg", "-v", "error", "-y"]

    runner.run(
        [*make, "-i", str(source), "-t", "5", "-c:v", "libvpx", str(output)],
        profile="media",
        workdir=output.parent,
    )
    assert "duration" in _failed(_check(source, output, "film"))

    black = "color=black:size=320x320:rate=24:duration=9.99"
    ended = runner.run(
        [
            *make,
            "-f",
            "lavfi",
            "-i",
            black,
            "-i",
            str(source),
            "-map",
            "0:v",
            "-map",
            "1:a",
            "-c:v",
            "libvpx",
            str(output),
        ],
        profile="media",
        workdir=output.parent,
    )
    assert ended.returncode == 0, ended
    assert "not_blank" in _failed(_check(source, output, "film"))


@pytest.mark.parametrize(
    "target",
    [
        *("mp3", "wav", "flac", "ogg", "opus", "m4a", "aac", "wma", "aiff", "caf", "ac3", "mp2"),
        *("mka", "au", "w64", "rf64", "tta", "weba"),
    ],
)
def test_cut_off_sound_is_caught_whatever_its_header_says(target: str, tmp_path: Path) -> None:
    source, result = convert(tmp_path, "audio/tone.flac", "ffmpeg", "flac", target)
    output = result.outputs[0]
    assert verify(source, "flac", (output,), target, {}, "ffmpeg").verdict == "verified"

    output.write_bytes(output.read_bytes()[: output.stat().st_size * 6 // 10])

    assert _failed(verify(source, "flac", (output,), target, {}, "ffmpeg"))


@pytest.mark.parametrize("target", ["mp4", "mov", "mkv", "avi", "wmv", "flv", "mpg", "mxf", "ogv"])
def test_cut_off_film_is_caught_whatever_its_header_says(target: str, tmp_path: Path) -> None:
    source, result = convert(tmp_path, "video/short.mkv", "ffmpeg", "mkv", target)
    output = result.outputs[0]
    assert verify(source, "mkv", (output,), target, {}, "ffmpeg").verdict == "verified"

    output.write_bytes(output.read_bytes()[: output.stat().st_size * 6 // 10])

    assert _failed(verify(source, "mkv", (output,), target, {}, "ffmpeg"))


def test_a_lost_cue_and_shifted_times_are_caught(tmp_path: Path) -> None:
    source, result = convert(tmp_path, *RESULTS["subtitles"])
    output = result.outputs[0]
    cues = output.read_text().rstrip().split("\n\n")

    output.write_text("\n\n".join(cues[:-1]) + "\n")
    assert "cues" in _failed(_check(source, output, "subtitles"))

    output.write_text("\n\n".join(cues).replace("00:01:", "00:59:") + "\n")
    assert _failed(_check(source, output, "subtitles"))


def test_a_font_without_half_its_glyphs_is_caught(tmp_path: Path) -> None:
    from fontTools.subset import Subsetter
    from fontTools.ttLib import TTFont

    source, result = convert(tmp_path, *RESULTS["font"])
    font = TTFont(result.outputs[0])
    keep = Subsetter()
    keep.populate(glyphs=font.getGlyphOrder()[: len(font.getGlyphOrder()) // 2])
    keep.subset(font)
    font.save(result.outputs[0])

    assert "glyphs" in _failed(_check(source, result.outputs[0], "font"))


def test_a_lost_attachment_is_caught(tmp_path: Path) -> None:
    from email import message_from_bytes, policy

    source, result = convert(tmp_path, *RESULTS["mail"])
    message = message_from_bytes(result.outputs[0].read_bytes(), policy=policy.SMTP)
    parts = message.get_payload()
    assert isinstance(parts, list)
    message.set_payload(parts[:-1])
    result.outputs[0].write_bytes(message.as_bytes())

    assert "attachments" in _failed(_check(source, result.outputs[0], "mail"))


def test_a_blank_drawing_is_caught(tmp_path: Path) -> None:
    from PIL import Image

    source, result = convert(tmp_path, *RESULTS["drawing"])
    with Image.open(result.outputs[0]) as image:
        Image.new("RGB", image.size, "white").save(result.outputs[0])

    assert "not_blank" in _failed(_check(source, result.outputs[0], "drawing"))
