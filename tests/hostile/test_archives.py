"""Entries that leave the folder, links and devices are dropped with a warning; the rest is kept."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from conversions.engines.spec import EngineResult
from conversions.verification import verify
from conversions.verification.tools import Operation, verify_tool
from tests.hostile.lures import bad_iso, bad_tar, bad_zip
from tests.hostile.support import run

pytestmark = pytest.mark.engine
CASES = [(bad_tar, "tar", "zip"), (bad_zip, "zip", "tar"), (bad_iso, "iso", "zip")]


def _names(result: EngineResult) -> set[str]:
    path = result.outputs[0]
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return set(archive.namelist())
    with tarfile.open(path) as tar:
        return set(tar.getnames())


@pytest.mark.parametrize(("made", "source", "target"), CASES)
def test_another_archive_is_made_of_what_may_stay(
    made: Callable[[], bytes], source: str, target: str, tmp_path: Path
) -> None:
    result = run(tmp_path, made(), "libarchive", source, target)

    path = tmp_path / "work" / f"in.{source}"
    report = verify(path, source, result.outputs, target, {}, "libarchive", claims=result.facts)
    assert report.verdict == "verified", report
    assert "dropped" in result.warnings[0]
    assert _names(result) <= {"ok.txt", "twin", "link/through.txt"}


@pytest.mark.parametrize(("made", "source", "target"), CASES)
def test_only_plain_files_are_taken_out(
    made: Callable[[], bytes], source: str, target: str, tmp_path: Path
) -> None:
    content = made()
    result = run(tmp_path, content, "archive_extract", source, source)

    path = tmp_path / "work" / f"in.{source}"
    done = Operation(
        engine_id="archive_extract",
        sources=(path,),
        source_formats=(source,),
        output_format=source,
    )
    report = verify_tool(done, result.outputs, claims=result.facts, names=result.names)
    assert report.verdict != "failed", report
    assert set(result.names) <= {"ok.txt", "twin", "link/through.txt"}
    assert all(b"root:" not in one.read_bytes() for one in result.outputs)
