"""Faults put into good results of tools: each must be caught."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conversions.engines import registry
from conversions.engines.execute import execute
from conversions.engines.spec import EngineCall, EngineError, EngineResult
from conversions.verification import Report
from conversions.verification.tools import Operation, verify_tool
from tests.conversions.support import sample

pytestmark = pytest.mark.engine
PAPER, PHOTO, FILM = "pdf/multi-page.pdf", "image/gps-exif.jpg", "video/ten-seconds.mp4"


@dataclass
class Done:
    """An operation that ran, ready to be spoilt."""

    operation: Operation
    result: EngineResult

    @property
    def output(self) -> Path:
        return self.result.outputs[0]

    def report(self) -> Report:
        return verify_tool(
            self.operation,
            self.result.outputs,
            claims=self.result.facts,
            names=self.result.names,
        )

    def failed(self) -> set[str]:
        report = self.report()
        assert report.verdict == "failed", report
        return {check.name for check in report.checks if not check.ok and check.severe}


def run(folder: Path, engine: str, file: str, password: str | None = None, **options: Any) -> Done:
    """One operation on one sample."""
    spec = registry.BY_ID[engine]
    if not registry.version(engine):
        pytest.skip(f"{spec.name} is not installed")
    original = sample(file)
    code = {"jpeg": "jpg"}.get(original.suffix[1:], original.suffix[1:])
    target = "zip" if engine == "archive_create" else code
    work = folder / "work"
    work.mkdir()
    source = folder / f"source.{code}"
    shutil.copyfile(original, source)
    copy = work / f"in.{code}"
    shutil.copyfile(original, copy)
    chosen = spec.options(**options)
    call = EngineCall(
        source=copy,
        target=work / f"out.{target}",
        input_format=code,
        output_format=target,
        options=chosen,
        workdir=work,
        deadline_s=100,
        password=password,
        names=(original.name,),
    )
    result = execute(spec, call)
    operation = Operation(
        engine_id=engine,
        sources=(source,),
        source_formats=(code,),
        output_format=target,
        options=chosen.model_dump(),
        password=password,
        names=(original.name,),
    )
    return Done(operation, result)


OPERATIONS = [
    ("pdf_rotate", PAPER),
    ("pdf_compress", "pdf/scanned-image-only.pdf"),
    ("pdf_watermark", PAPER),
    ("pdf_strip", PAPER),
    ("image_compress", PHOTO),
    ("image_edit", PHOTO),
    ("image_strip", PHOTO),
    ("media_compress", FILM),
    ("media_strip", FILM),
    ("archive_create", PAPER),
]


@pytest.mark.parametrize(("engine", "file"), OPERATIONS)
def test_good_empty_truncated_and_wrong_type(engine: str, file: str, tmp_path: Path) -> None:
    done = run(tmp_path, engine, file)
    good = done.output.read_bytes()
    assert done.report().verdict == "verified"

    done.output.write_bytes(b"")
    assert done.failed() == {"not_empty"}

    done.output.write_bytes(good[: len(good) // 2])
    assert done.failed()

    shutil.copyfile(sample("image/animated.gif"), done.output)
    assert done.failed() == {"type"}


@pytest.mark.parametrize("engine", ["pdf_rotate", "pdf_compress", "pdf_watermark", "pdf_strip"])
def test_lost_and_blank_pages_are_caught(engine: str, tmp_path: Path) -> None:
    from pypdf import PdfReader, PdfWriter

    done = run(tmp_path, engine, PAPER)
    writer = PdfWriter()
    for page in PdfReader(done.output).pages[:2]:
        writer.add_page(page)
    writer.write(done.output)
    assert "pages" in done.failed()

    writer = PdfWriter()
    for _ in range(5):
        writer.add_blank_page(width=595, height=842)
    writer.write(done.output)
    assert "text_kept" in done.failed()


def test_a_lock_that_is_none_is_caught(tmp_path: Path) -> None:
    done = run(tmp_path, "pdf_protect", PAPER, password="geheim")
    assert done.report().verdict == "verified"

    shutil.copyfile(sample(PAPER), done.output)

    assert {"needs_password", "encryption"} <= done.failed()


def test_a_lock_that_stayed_is_caught(tmp_path: Path) -> None:
    done = run(tmp_path, "pdf_unlock", "pdf/encrypted.pdf", password="1234")

    shutil.copyfile(sample("pdf/encrypted.pdf"), done.output)

    assert "no_encryption" in done.failed()


def test_metadata_that_stayed_is_caught(tmp_path: Path) -> None:
    done = run(tmp_path, "image_strip", PHOTO)

    shutil.copyfile(sample(PHOTO), done.output)

    assert done.failed() == {"no_metadata"}


def test_an_archive_with_another_content_is_caught(tmp_path: Path) -> None:
    import zipfile

    done = run(tmp_path, "archive_create", PAPER)
    with zipfile.ZipFile(done.output, "w") as archive:
        archive.writestr("multi-page.pdf", b"something else")

    assert "content" in done.failed()


def test_an_unpacked_file_that_was_changed_is_caught(tmp_path: Path) -> None:
    done = run(tmp_path, "archive_extract", "archive/documents.zip")
    assert done.report().verdict == "verified"

    done.output.write_bytes(done.output.read_bytes()[:-1])

    assert done.failed() == {"content"}


def test_a_smaller_file_that_lost_half_the_film_is_caught(tmp_path: Path) -> None:
    from sandbox import runner

    done = run(tmp_path, "media_compress", FILM)
    argv = ["ffmpeg", "-v", "error", "-y", "-i", str(done.operation.sources[0]), "-t", "5"]
    shutil.copyfile(done.operation.sources[0], done.output.parent / "again.mp4")
    argv[5] = str(done.output.parent / "again.mp4")
    runner.run([*argv, str(done.output)], profile="media", workdir=done.output.parent)

    assert "duration" in done.failed()


@pytest.mark.parametrize(
    ("engine", "file", "codes"),
    [
        ("pdf_compress", "hostile/loop.pdf", {"file_corrupt"}),
        ("pdf_merge", "hostile/pages_20000.pdf", {"limit_exceeded"}),
        ("pdf_rotate", "hostile/jpg_as.pdf", {"file_corrupt"}),
        ("pdf_unlock", "hostile/password.pdf", {"file_encrypted"}),
        ("image_edit", "hostile/bomb.png", {"limit_exceeded"}),
        ("image_compress", "hostile/truncated.jpg", {"file_corrupt"}),
        ("image_strip", "hostile/mvg_as.jpg", {"file_corrupt"}),
        ("media_compress", "hostile/playlist.mp4", {"file_corrupt"}),
        ("media_strip", "hostile/playlist.mp4", {"file_corrupt"}),
    ],
)
def test_hostile_files_end_by_name(engine: str, file: str, codes: set[str], tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        run(tmp_path, engine, file)

    assert caught.value.code in codes


def test_scripts_do_not_survive(tmp_path: Path) -> None:
    done = run(tmp_path, "pdf_compress", "hostile/actions.pdf", level="low")

    raw = done.output.read_bytes()
    assert b"app.alert" not in raw
    assert b"/Launch" not in raw
