"""Small files that ask for much: each ends soon and clean, and the next good file converts."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from conversions.engines import libreoffice
from conversions.engines.spec import EngineError
from sandbox import hosts
from tests.hostile.lures import docx, paragraph
from tests.hostile.support import run, said

pytestmark = pytest.mark.engine
TABLES = "<w:tbl><w:tr><w:tc>" * 120 + "<w:p/>" + "</w:tc></w:tr></w:tbl><w:p/>" * 120


def _png(side: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1 << 20))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _pdf(pages: str, page: str) -> bytes:
    return (
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        f"2 0 obj<</Type/Pages/Kids[3 0 R]{pages}>>endobj\n"
        f"3 0 obj<</Type/Page/MediaBox[0 0 99 99]{page}>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
    ).encode()


@pytest.mark.parametrize(
    ("content", "engine", "source", "target", "code"),
    [
        (docx(TABLES), "libreoffice", "docx", "pdf", "engine_failed"),
        (docx(paragraph("A" * 5_000_000)), "libreoffice", "docx", "pdf", "limit_exceeded"),
        (docx("<w:sdt>" * 900 + "</w:sdt>" * 900), "libreoffice", "docx", "pdf", "limit_exceeded"),
        (b"<table>" * 400, "libreoffice", "html", "pdf", "engine_failed"),
        (_png(60_000), "pillow", "png", "jpg", "limit_exceeded|memory_exceeded"),
        (_pdf("/Count -5", "/Parent 2 0 R"), "pdf_split", "pdf", "pdf", "file_corrupt"),
        (_pdf("/Count 1/Parent 3 0 R", "/Parent 2 0 R"), "pdf_split", "pdf", "pdf", "file_corrupt"),
        (b"[" * 200_000, "data", "json", "yaml", "file_corrupt"),
    ],
    ids=["tables", "word", "depth", "html tables", "pixels", "count", "parents", "json"],
)
def test_it_ends_at_once_with_a_code(
    content: bytes, engine: str, source: str, target: str, code: str, tmp_path: Path
) -> None:
    with pytest.raises(EngineError) as caught:
        run(tmp_path, content, engine, source, target)

    assert caught.value.code in code.split("|"), f"{caught.value}: {caught.value.detail}"


def test_a_document_that_holds_the_office_host_leaves_it_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libreoffice, "cpu_for", lambda source: 1)
    many = docx(paragraph("word") * 200_000)
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()

    with pytest.raises(EngineError) as caught:
        run(first, many, "libreoffice", "docx", "pdf")
    monkeypatch.undo()
    result = run(second, docx(paragraph("VISIBLE")), "libreoffice", "docx", "txt")

    assert caught.value.code == "timed_out"
    assert b"VISIBLE" in said(result)
    hosts.close_all()
