"""Zips inside of zips are weighed at the bottom."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from inspection.detect import detect


def zipped(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def found(folder: Path, content: bytes) -> bool:
    path = folder / "a.zip"
    path.write_bytes(content)
    return detect(path, "a.zip").archive_bomb


def test_zips_of_zips_that_unpack_to_too_much_are_bombs(tmp_path: Path) -> None:
    inner = zipped({"zeros": bytes(60_000_000)})

    assert not found(tmp_path, zipped({"one.zip": inner}))
    assert found(tmp_path, zipped({f"{i}.zip": inner for i in range(4)}))


def test_more_than_three_levels_are_a_bomb(tmp_path: Path) -> None:
    content = zipped({"a.txt": b"hello"})
    for level in range(4):
        content = zipped({f"{level}.zip": content})

    assert found(tmp_path, content)


def test_an_ordinary_zip_in_a_zip_is_none(tmp_path: Path) -> None:
    assert not found(tmp_path, zipped({"a.zip": zipped({"a.txt": b"hello"}), "b.txt": b"x"}))
