"""Archives that need a file made for the purpose: RAR, too many entries, locked ones."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from conversions.engines import registry
from conversions.engines.execute import execute
from conversions.engines.spec import EngineCall, EngineError, EngineResult
from conversions.verification import verify
from inspection.detect import detect
from tests.conversions.archive_samples import stored_rar

pytestmark = pytest.mark.engine


def _convert(folder: Path, source: Path, before: str, after: str) -> EngineResult:
    spec = registry.BY_ID["libarchive"]
    if not registry.version(spec.id):
        pytest.skip("libarchive is not installed")
    call = EngineCall(
        source=source,
        target=folder / f"out.{after}",
        input_format=before,
        output_format=after,
        options=spec.options(),
        workdir=folder,
        deadline_s=60,
    )
    return execute(spec, call)


def test_rar_is_read_and_keeps_names_and_contents(tmp_path: Path) -> None:
    source = tmp_path / "in.rar"
    source.write_bytes(stored_rar({"a.txt": b"first\n" * 40, "folder/b.txt": b"second"}))

    result = _convert(tmp_path, source, "rar", "zip")

    assert detect(source, "in.rar").format == "rar"
    with zipfile.ZipFile(result.outputs[0]) as archive:
        assert sorted(archive.namelist()) == ["a.txt", "folder/b.txt"]
        assert archive.read("folder/b.txt") == b"second"
    report = verify(source, "rar", result.outputs, "zip", {}, "libarchive", claims=result.facts)
    assert report.verdict == "verified", report
    assert not [p for p in registry.index().values() if "rar" in p]


def test_more_than_ten_thousand_entries_are_a_bomb(tmp_path: Path) -> None:
    source = tmp_path / "in.zip"
    with zipfile.ZipFile(source, "w") as archive:
        for number in range(10_001):
            archive.writestr(f"{number}.txt", b"x")

    with pytest.raises(EngineError) as caught:
        _convert(tmp_path, source, "zip", "tar")

    assert caught.value.code == "archive_bomb"


def test_a_ratio_beyond_two_hundred_is_a_bomb_while_streaming(tmp_path: Path) -> None:
    source = tmp_path / "in.zip"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(120 << 20))

    with pytest.raises(EngineError) as caught:
        _convert(tmp_path, source, "zip", "tar")

    assert caught.value.code == "archive_bomb"
