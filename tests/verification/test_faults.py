"""The judge's judge: wrong results of every family, none of which may be called verified."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from conversions.engines.spec import EngineResult
from conversions.verification import Report, verify
from tests.conversions.support import convert
from tests.verification import faults
from tests.verification.faults import Fault

pytestmark = pytest.mark.engine


@dataclass(frozen=True)
class Row:
    """One conversion and the faults that are put into its result."""

    family: str
    sample: str
    engine: str
    source: str
    target: str
    faults: dict[str, Fault]


_ONE_PAGE = {name: fault for name, fault in faults.PDF.items() if "half" not in name}
_PHOTO = "image/exif-orientation-8-photo.jpg"
TABLE = (
    Row("picture", _PHOTO, "pillow", "jpg", "png", faults.PICTURE | faults.COLOURS),
    Row("picture by vips", _PHOTO, "vips", "jpg", "png", faults.PICTURE | faults.COLOURS),
    Row("rare picture", _PHOTO, "pillow", "jpg", "tga", faults.PICTURE | faults.COLOURS),
    Row("animated", "image/animated.gif", "pillow", "gif", "webp", faults.ANIMATED),
    Row("drawing", "image/logo.svg", "librsvg", "svg", "png", faults.PICTURE | faults.COLOURS),
    Row("pages", "pdf/multi-page.pdf", "poppler", "pdf", "png", faults.PICTURE),
    Row("drawn", _PHOTO, "pillow", "jpg", "pdf", _ONE_PAGE),
    Row("pdf", "pdf/multi-page.pdf", "ghostscript", "pdf", "pdf", faults.PDF),
    Row("scan", "pdf/scanned-image-only.pdf", "ghostscript", "pdf", "pdf", faults.PDF),
    Row("document", "docx/report-with-images.docx", "libreoffice", "docx", "pdf", faults.PDF),
    Row("slides", "pptx/comments.pptx", "libreoffice", "pptx", "pdf", faults.PDF),
    Row("sheet", "xlsx/segments.xlsx", "libreoffice", "xlsx", "pdf", faults.PDF),
    Row("text", "docx/report-with-images.docx", "libreoffice", "docx", "odt", faults.PACKAGE),
    Row("markup", "text/wiki.md", "pandoc", "md", "html", faults.MARKUP),
    Row("order", "text/wiki.md", "pandoc", "md", "commonmark", faults.ORDER),
    Row("book", "ebook/lorem.fb2", "calibre", "fb2", "epub", faults.PACKAGE),
    Row("table", "xlsx/segments.xlsx", "openpyxl", "xlsx", "csv", faults.TABLE),
    Row("records", "csv/semicolon.csv", "data", "csv", "json", faults.RECORDS),
    Row("sound", "video/ten-seconds.mp4", "ffmpeg", "mp4", "wav", faults.SOUND),
    Row("packed sound", "video/ten-seconds.mp4", "ffmpeg", "mp4", "m4a", faults.SOUND),
    Row("film", "video/ten-seconds.mp4", "ffmpeg", "mp4", "mkv", faults.FILM),
    Row("subtitles", "subtitle/subtitles.srt", "pysubs2", "srt", "vtt", faults.CUES),
    Row("font", "font/TestVGID-Regular.otf", "fonttools", "otf", "ttf", faults.FONT),
)
CASES = [pytest.param(row, name, id=f"{row.family}-{name}") for row in TABLE for name in row.faults]


def _check(row: Row, source: Path, result: EngineResult) -> Report:
    return verify(
        source, row.source, result.outputs, row.target, {}, row.engine, claims=result.facts
    )


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.family)
def test_the_good_result_passes(row: Row, tmp_path: Path) -> None:
    source, result = convert(tmp_path, row.sample, row.engine, row.source, row.target)

    report = _check(row, source, result)

    assert report.verdict != "failed", report


@pytest.mark.parametrize(("row", "fault"), CASES)
def test_a_wrong_result_is_never_called_verified(
    row: Row,
    fault: str,
    tmp_path: Path,
) -> None:
    source, result = convert(tmp_path, row.sample, row.engine, row.source, row.target)
    good = _check(row, source, result)

    row.faults[fault](source, result.outputs[0])

    report = _check(row, source, result)
    assert report.verdict != "verified", report
    assert report.checks != good.checks
