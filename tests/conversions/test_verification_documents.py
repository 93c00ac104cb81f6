"""Faults put into good documents, books and archives: each must be caught."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from conversions.verification import Report, verify
from tests.conversions.support import convert, sample

pytestmark = pytest.mark.engine

RESULTS = {
    "markup": ("text/wiki.md", "pandoc", "md", "html"),
    "word": ("text/wiki.md", "pandoc", "md", "docx"),
    "latex": ("text/wiki.md", "pandoc", "md", "tex"),
    "doc": ("docx/report-with-images.docx", "libreoffice", "docx", "doc"),
    "rtf": ("docx/report-with-images.docx", "libreoffice", "docx", "rtf"),
    "flat": ("docx/report-with-images.docx", "libreoffice", "docx", "fodt"),
    "sheet": ("xlsx/segments.xlsx", "libreoffice", "xlsx", "ods"),
    "old sheet": ("xlsx/segments.xlsx", "libreoffice", "xlsx", "xls"),
    "slides": ("pptx/comments.pptx", "libreoffice", "pptx", "odp"),
    "old slides": ("pptx/comments.pptx", "libreoffice", "pptx", "ppt"),
    "epub": ("ebook/lorem.fb2", "calibre", "fb2", "epub"),
    "mobi": ("ebook/lorem.fb2", "calibre", "fb2", "mobi"),
    "page": ("pdf/rotated-2-pages.pdf", "poppler", "pdf", "png"),
    "drawing": ("pdf/rotated-2-pages.pdf", "poppler", "pdf", "svg"),
    "smaller": ("pdf/multi-page.pdf", "ghostscript", "pdf", "pdf"),
    "postscript": ("pdf/multi-page.pdf", "ghostscript", "pdf", "ps"),
    "zip": ("archive/small.7z", "libarchive", "7z", "zip"),
    "7z": ("archive/documents.zip", "libarchive", "zip", "7z"),
    "tar": ("archive/documents.zip", "libarchive", "zip", "tar"),
    "zstd": ("archive/documents.zip", "libarchive", "zip", "tzst"),
    "cpio": ("archive/documents.zip", "libarchive", "zip", "cpio"),
    "iso": ("archive/documents.zip", "libarchive", "zip", "iso"),
}


def _check(source: Path, outputs: tuple[Path, ...], kind: str, **claims: Any) -> Report:
    _, engine, before, after = RESULTS[kind]
    return verify(source, before, outputs, after, {}, engine, claims=claims)


def _failed(report: Report) -> set[str]:
    assert report.verdict == "failed", report
    return {check.name for check in report.checks if not check.ok and check.severe}


@pytest.mark.parametrize("kind", RESULTS)
def test_good_empty_truncated_and_wrong_type(kind: str, tmp_path: Path) -> None:
    source, result = convert(tmp_path, *RESULTS[kind])
    first, rest = result.outputs[0], result.outputs[1:]
    good = first.read_bytes()
    assert _check(source, result.outputs, kind).verdict in ("verified", "warnings")

    first.write_bytes(b"")
    assert "not_empty" in _failed(_check(source, (first, *rest), kind))

    first.write_bytes(good[: len(good) // 2])
    assert _failed(_check(source, (first, *rest), kind))

    shutil.copyfile(sample("image/animated.gif"), first)
    assert _failed(_check(source, (first, *rest), kind)) == {"type"}


def test_a_lost_page_and_a_blank_page_are_caught(tmp_path: Path) -> None:
    from PIL import Image

    source, result = convert(tmp_path, *RESULTS["page"])
    assert "pages" in _failed(_check(source, result.outputs[:1], "page"))

    with Image.open(result.outputs[0]) as picture:
        size = picture.size
    Image.new("RGB", size, "white").save(result.outputs[0])
    assert "not_blank" in _failed(_check(source, result.outputs, "page"))


def test_half_the_pages_and_blank_pages_of_a_pdf_are_caught(tmp_path: Path) -> None:
    from pypdf import PdfReader, PdfWriter

    source, result = convert(tmp_path, *RESULTS["smaller"])
    half, blank = PdfWriter(), PdfWriter()
    for page in PdfReader(result.outputs[0]).pages[:2]:
        half.add_page(page)
    for _ in range(5):
        blank.add_blank_page(595, 842)

    half.write(result.outputs[0])
    assert "pages" in _failed(_check(source, result.outputs, "smaller"))
    blank.write(result.outputs[0])
    assert "not_blank" in _failed(_check(source, result.outputs, "smaller"))


@pytest.mark.parametrize("how", ["lost", "changed", "renamed"])
def test_lost_and_changed_entries_are_caught(how: str, tmp_path: Path) -> None:
    source, result = convert(tmp_path, "archive/documents.zip", "libarchive", "zip", "jar")
    output = result.outputs[0]
    with zipfile.ZipFile(output) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    name = next(iter(entries))
    body = entries.pop(name)
    if how == "changed":
        entries[name] = b"!" + body[1:]
    if how == "renamed":
        entries["other"] = body
    with zipfile.ZipFile(output, "w") as archive:
        for one, data in entries.items():
            archive.writestr(one, data)

    report = verify(source, "zip", (output,), "jar", {}, "libarchive")

    expected = {"lost": "entries", "changed": "contents", "renamed": "names"}[how]
    assert expected in _failed(report)


def test_a_lost_sheet_and_lost_chapters_are_caught(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    source, result = convert(tmp_path / "a", "xlsx/segments.xlsx", "libreoffice", "xlsx", "csv")
    report = verify(source, "xlsx", result.outputs[:3], "csv", {}, "libreoffice")
    assert "sheets" in _failed(report)

    book, made = convert(tmp_path / "b", *RESULTS["epub"])
    with zipfile.ZipFile(made.outputs[0]) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    page = b"<html><body><p>nothing</p></body></html>"
    with zipfile.ZipFile(made.outputs[0], "w") as archive:
        for name, data in parts.items():
            is_text = name.endswith(("html", "xhtml"))
            archive.writestr(name, page if is_text else data)
    assert "text_kept" in _failed(_check(book, made.outputs, "epub"))
