"""Vectors of documents, markup, books, pages and archives."""

from __future__ import annotations

from typing import Any

from tests.conversions.vector import Vector

_MILD = ("verified", "warnings")


def _make(engine: str, file: str, source: str, *targets: str, **more: Any) -> tuple[Vector, ...]:
    return tuple(
        Vector(file=file, engine=engine, source=source, target=target, **more) for target in targets
    )


_REPORT = "docx/report-with-images.docx"
_SHEETS = "xlsx/segments.xlsx"
_DECK = "pptx/comments.pptx"
_PAGES = "pdf/multi-page.pdf"
_WIKI = "text/wiki.md"
_BOOK = "ebook/lorem.fb2"

_OFFICE = (
    *_make("libreoffice", _REPORT, "docx", "odt", "doc", "rtf", "html", holds=("autogen",)),
    *_make("libreoffice", _REPORT, "docx", "txt", "docm", "dotx", "ott", "fodt", "dot"),
    *_make("libreoffice", "text/rich-table.html", "html", "docx", "odt", "pdf", verdicts=_MILD),
    *_make("libreoffice", _SHEETS, "xlsx", "ods", "xls", "fods", facts={"sheets": 5}),
    *_make("libreoffice", _SHEETS, "xlsx", "csv", outputs=5),
    *_make("libreoffice", _SHEETS, "xlsx", "csv", options={"sheet": 2, "delimiter": ";"}),
    *_make("libreoffice", "ods/table.ods", "ods", "xlsx", "slk", "dif", verdicts=_MILD),
    *_make("libreoffice", "xls/multi-sheet.xls", "xls", "xlsx", "ods", facts={"sheets": 2}),
    *_make("libreoffice", _DECK, "pptx", "odp", "ppt", "fodp", "otp", facts={"slides": 3}),
)
_MARKUP = (
    *_make("pandoc", _WIKI, "md", "html", "rst", "docx", "epub", "tex", holds=("business",)),
    *_make("pandoc", _WIKI, "md", "asciidoc", "mediawiki", "docbook", "ipynb", "man", "jats"),
    *_make("pandoc", "text/example.tex", "tex", "html", "docx", "md", verdicts=_MILD),
    *_make("pandoc", "text/notebook.ipynb", "ipynb", "md", "html", "docx"),
    *_make("pandoc", "text/english-spanish.rst", "rst", "odt", "rtf", holds=("derechos",)),
    *_make("pandoc", _REPORT, "docx", "md", "html", "org", holds=("autogen",)),
)
_BOOKS = (
    *_make("calibre", _BOOK, "fb2", "epub", "mobi", "azw3", "txt", holds=("lorem",)),
    *_make("calibre", "ebook/lorem.mobi", "mobi", "epub", "fb2", "docx", "htmlz"),
    *_make("calibre", _BOOK, "fb2", "epub", options={"title": "New"}, facts={"title": "New"}),
    *_make("calibre", "hostile/truncated.jpg", "mobi", "epub", fails=("file_corrupt",)),
)
_PDF = (
    *_make("poppler", _PAGES, "pdf", "png", "jpg", "svg", outputs=5),
    *_make("poppler", _PAGES, "pdf", "png", options={"page_range": "2", "dpi": 72}),
    *_make("poppler", _PAGES, "pdf", "txt", "html", holds=("evolution",)),
    # Nothing to find: unsure, so that a job goes on to OCR.
    *_make("poppler", "pdf/scanned-image-only.pdf", "pdf", "txt", verdicts=("warnings",)),
    *_make("ghostscript", _PAGES, "pdf", "pdf", options={"compress": "ebook"}),
    *_make("ghostscript", _PAGES, "pdf", "pdf", options={"pdfa": "2b"}, facts={"pdfa": "2B"}),
    *_make("ghostscript", _PAGES, "pdf", "ps", facts={"pages": 5}),
    *_make("ghostscript", _PAGES, "pdf", "eps", outputs=5),
    *_make("pikepdf", _PAGES, "pdf", "pdf", options={"page_range": "2-3"}, facts={"pages": 2}),
    *_make("pikepdf", _PAGES, "pdf", "pdf", options={"split_every": 2}, outputs=3),
    *_make("pikepdf", _PAGES, "pdf", "pdf", options={"user_password": "x"}),
    *_make("pikepdf", _PAGES, "pdf", "pdf", options={"linearize": True, "rotate": 90}),
    *_make("pikepdf", "pdf/encrypted.pdf", "pdf", "pdf", password="1234"),
    *_make("ocr", "pdf/scanned-image-only.pdf", "pdf", "pdf", "txt", holds=("patient",)),
    *_make("tesseract", "image/alpha.png", "png", "txt", fails=("engine_failed",)),
)
_ARCHIVES = (
    *_make("libarchive", "archive/documents.zip", "zip", "7z", "tar", "tgz", "iso", "tzst"),
    *_make("libarchive", "archive/documents.zip", "zip", "txz", "cpio", facts={"entries": 9}),
    *_make("libarchive", "archive/small.7z", "7z", "zip", options={"level": 9}),
    *_make("libarchive", "archive/small.tar.gz", "tgz", "zip", facts={"entries": 1}),
    *_make("libarchive", "hostile/truncated.jpg", "zip", "tar", fails=("file_corrupt",)),
)

DOCUMENTS: tuple[Vector, ...] = (*_OFFICE, *_MARKUP, *_BOOKS, *_PDF, *_ARCHIVES)
