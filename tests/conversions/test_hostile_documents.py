"""Hostile documents, books and archives: each ends as it must, soon, and harms nobody."""

from __future__ import annotations

import socket
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from conversions.engines import registry
from conversions.engines.execute import execute
from conversions.engines.spec import EngineCall, EngineError
from conversions.verification import verify
from tests.conversions.support import convert

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def canary() -> Iterator[list[str]]:
    """Everything that connects to the port which the samples name."""
    seen: list[str] = []
    try:
        server = socket.create_server(("127.0.0.1", 18998))
    except OSError:
        pytest.skip("port 18998, which the samples name, is taken by another process")

    def listen() -> None:
        try:
            while True:
                seen.append(str(server.accept()[1]))
        except OSError:
            return

    threading.Thread(target=listen, daemon=True).start()
    yield seen
    server.close()


@pytest.mark.parametrize(
    ("file", "engine", "source", "target", "deadline_s", "codes"),
    [
        ("bomb.zip", "libarchive", "zip", "tar", 60, {"archive_bomb"}),
        ("endless.ps", "ghostscript", "ps", "pdf", 3, {"timed_out"}),
        ("file.eps", "ghostscript", "eps", "png", 20, {"engine_failed", "file_corrupt"}),
        ("pages_20000.pdf", "poppler", "pdf", "png", 60, {"limit_exceeded", "file_corrupt"}),
        ("loop.pdf", "poppler", "pdf", "png", 60, {"file_corrupt"}),
        ("loop.pdf", "pikepdf", "pdf", "pdf", 60, {"file_corrupt"}),
        ("truncated.pdf", "poppler", "pdf", "png", 60, {"file_corrupt"}),
        ("truncated.pdf", "ghostscript", "pdf", "pdf", 60, {"file_corrupt"}),
        ("truncated.pdf", "ocr", "pdf", "pdf", 60, {"file_corrupt"}),
        ("password.pdf", "poppler", "pdf", "txt", 60, {"file_encrypted"}),
        ("password.pdf", "ghostscript", "pdf", "pdf", 60, {"file_encrypted"}),
        ("password.pdf", "pikepdf", "pdf", "pdf", 60, {"file_encrypted"}),
        ("jpg_as.pdf", "poppler", "pdf", "png", 60, {"file_corrupt"}),
        ("laughs.docx", "pandoc", "docx", "html", 60, {"file_malicious"}),
        ("laughs.docx", "calibre", "docx", "epub", 60, {"file_malicious"}),
        ("truncated.jpg", "pandoc", "md", "html", 60, {"file_corrupt"}),
    ],
)
def test_it_is_refused(
    file: str,
    engine: str,
    source: str,
    target: str,
    deadline_s: float,
    codes: set[str],
    tmp_path: Path,
) -> None:
    with pytest.raises(EngineError) as caught:
        convert(tmp_path, f"hostile/{file}", engine, source, target, deadline_s=deadline_s)

    assert caught.value.code in codes, f"{caught.value.code}: {caught.value.detail}"
    assert caught.value.public


@pytest.mark.parametrize(
    ("file", "engine", "source", "target"),
    [
        ("include.rst", "pandoc", "rst", "html"),
        ("include.rst", "pandoc", "rst", "docx"),
        ("remote.html", "pandoc", "html", "docx"),
        ("remote.html", "pandoc", "html", "epub"),
        ("remote.html", "pandoc", "html", "md"),
        ("remote.html", "libreoffice", "html", "pdf"),
        ("remote.html", "calibre", "html", "epub"),
        ("remote.odt", "libreoffice", "odt", "txt"),
        ("include.docx", "pandoc", "docx", "html"),
        ("actions.pdf", "poppler", "pdf", "txt"),
        ("actions.pdf", "pikepdf", "pdf", "pdf"),
    ],
)
def test_it_converts_without_reading_elsewhere(
    file: str, engine: str, source: str, target: str, tmp_path: Path, canary: list[str]
) -> None:
    before, result = convert(tmp_path, f"hostile/{file}", engine, source, target)

    report = verify(before, source, result.outputs, target, {}, engine, claims=result.facts)
    assert report.verdict in ("verified", "warnings"), report
    raw = result.outputs[0].read_bytes()
    if zipfile.is_zipfile(result.outputs[0]):
        with zipfile.ZipFile(result.outputs[0]) as archive:
            raw = b"\n".join(archive.read(name) for name in archive.namelist())
    assert b"root:" not in raw
    assert b"app.alert" not in raw
    assert target == "pdf" or b"VISIBLE" in raw
    assert canary == []


@pytest.mark.parametrize(("file", "source"), [("slip.zip", "zip"), ("links.tar.gz", "tgz")])
def test_entries_that_leave_the_folder_are_dropped_with_a_warning(
    file: str, source: str, tmp_path: Path
) -> None:
    target = "tar" if source == "zip" else "zip"
    try:
        _, result = convert(tmp_path, f"hostile/{file}", "libarchive", source, target)
    except EngineError as error:
        assert error.code == "file_malicious"
        return

    assert "dropped" in result.warnings[0]
    assert b"root:" not in result.outputs[0].read_bytes()


def test_nested_brackets_meet_the_memory_limit_and_the_next_text_converts(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb"
    bomb.mkdir()
    (bomb / "in.md").write_text("[" * 135_000 + "]" * 135_000)
    spec = registry.BY_ID["pandoc"]
    call = EngineCall(
        source=bomb / "in.md",
        target=bomb / "out.html",
        input_format="md",
        output_format="html",
        options=spec.options(),
        workdir=bomb,
        deadline_s=60,
    )

    with pytest.raises(EngineError) as caught:
        execute(spec, call)
    _, result = convert(tmp_path, "text/wiki.md", "pandoc", "md", "html")

    assert caught.value.code in ("memory_exceeded", "timed_out", "file_corrupt")
    assert result.outputs[0].stat().st_size > 1000


def test_passwords_of_a_pdf(tmp_path: Path) -> None:
    for number, (password, code) in enumerate((("no", "password_wrong"), ("sample-secret", None))):
        for engine, target in (("poppler", "txt"), ("pikepdf", "pdf"), ("ghostscript", "pdf")):
            folder = tmp_path / f"{number}-{engine}"
            folder.mkdir()
            found = None
            try:
                source, result = convert(
                    folder, "hostile/password.pdf", engine, "pdf", target, password=password
                )
            except EngineError as error:
                found = error.code
            assert found == code, engine
            if code is None:
                report = verify(
                    source, "pdf", result.outputs, target, {}, engine, password=password
                )
                assert report.verdict != "failed", report
