"""gz, bz2, xz and zst: one file compressed, a tar of several, and back, under its own name."""

from __future__ import annotations

import bz2
import gzip
import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from conversions.engines import registry
from conversions.engines.execute import execute
from conversions.engines.spec import EngineCall, EngineResult
from conversions.verification import Report, verify

pytestmark = pytest.mark.engine
SAMPLES = Path(__file__).parents[1] / "samples" / "archive"


def _convert(
    folder: Path, source: Path, pair: tuple[str, str], engine: str
) -> tuple[EngineResult, Report]:
    spec = registry.BY_ID[engine]
    if not registry.version(spec.id):
        pytest.skip("libarchive is not installed")
    mine = folder / f"mine-{source.name}"
    shutil.copyfile(source, mine)
    call = EngineCall(
        source=mine,
        target=folder / f"out.{pair[1]}",
        input_format=pair[0],
        output_format=pair[1],
        options=spec.options(),
        workdir=folder,
        deadline_s=60,
        names=(source.name,),
    )
    result = execute(spec, call)
    report = verify(source, pair[0], result.outputs, pair[1], {}, engine, claims=result.facts)
    return result, report


def _zip(folder: Path, files: dict[str, bytes]) -> Path:
    path = folder / "in.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return path


def test_one_file_is_compressed_as_it_is(tmp_path: Path) -> None:
    source = _zip(tmp_path, {"notes.txt": b"some words\n" * 50})

    result, report = _convert(tmp_path, source, ("zip", "bz2"), "single_file")

    assert bz2.decompress(result.outputs[0].read_bytes()) == b"some words\n" * 50
    assert (report.verdict, result.warnings) == ("verified", ())


def test_several_files_come_as_a_tar_inside_and_a_warning(tmp_path: Path) -> None:
    source = _zip(tmp_path, {"a.txt": b"first", "folder/b.txt": b"second"})

    result, report = _convert(tmp_path, source, ("zip", "gz"), "single_file")

    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(result.outputs[0].read_bytes()))) as tar:
        assert sorted(tar.getnames()) == ["a.txt", "folder/b.txt"]
    assert report.verdict == "verified", report
    assert "in a tar inside" in result.warnings[0]


@pytest.mark.parametrize("code", ["gz", "bz2", "xz", "zst", "lzma"])
def test_a_single_file_gets_its_name_back(code: str, tmp_path: Path) -> None:
    source = SAMPLES / f"numbers.txt.{code}"

    result, report = _convert(tmp_path, source, (code, "zip"), "libarchive")

    with zipfile.ZipFile(result.outputs[0]) as archive:
        assert archive.namelist() == ["numbers.txt"]
        assert archive.read("numbers.txt").startswith(b"1 lines of plain text\n")
    assert report.verdict == "verified", report


def test_another_content_is_caught(tmp_path: Path) -> None:
    source = SAMPLES / "numbers.txt.gz"
    result, _ = _convert(tmp_path, source, ("gz", "xz"), "single_file")
    made = result.outputs[0]

    made.write_bytes((SAMPLES / "numbers.txt.xz").read_bytes()[:-8])

    report = verify(source, "gz", (made,), "xz", {}, "single_file", claims=result.facts)
    assert report.verdict == "failed"


@pytest.mark.parametrize(
    ("name", "code", "entries"),
    [
        ("rar5-times.rar", "rar", 1),
        ("rar3-subdirs.rar", "rar", 4),
        ("libarchive.cab", "cab", 3),
        ("libarchive.lzh", "lzh", 2),
        ("libarchive.rpm", "rpm", 3),
    ],
)
def test_archives_that_are_only_read(name: str, code: str, entries: int, tmp_path: Path) -> None:
    result, report = _convert(tmp_path, SAMPLES / name, (code, "zip"), "libarchive")

    assert report.verdict == "verified", report
    with zipfile.ZipFile(result.outputs[0]) as archive:
        assert len(archive.namelist()) == entries
