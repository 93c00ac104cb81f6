"""One small file for each class of fault that pictures, films and archives of strangers showed."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from inspection import facts_archives, facts_media
from inspection.heif import turned
from tests.conversions.test_strangers import made

pytestmark = pytest.mark.engine


def corner(form: str, side: tuple[int, int], **options: object) -> bytes:
    """A dark picture with a bright corner at the top left."""
    picture, stream = Image.new("RGB", side, "#203040"), io.BytesIO()
    picture.paste("#f0d060", (0, 0, side[0] // 3, side[1] // 3))
    picture.save(stream, form, **options)
    return stream.getvalue()


@pytest.mark.parametrize("orientation", [3, 6, 7, 8])
@pytest.mark.parametrize("form", ["WEBP", "AVIF", "TIFF", "PNG"])
def test_a_turned_picture_is_compared_as_it_is_shown(
    tmp_path: Path, form: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = corner(form, (96, 64), exif=exif)

    report = made(tmp_path, "pillow", form.lower(), "bmp", content)[1]

    assert report.verdict == "verified", report


def test_turns_of_heif_are_counted_against_the_clock() -> None:
    import numpy as np

    pixels = np.array([[1, 2], [3, 4]])

    assert turned(pixels, [("turn", 1)]).tolist() == [[2, 4], [1, 3]]
    assert turned(pixels, [("mirror", 0)]).tolist() == [[3, 4], [1, 2]]


def test_a_bitmap_with_transparency_is_not_taken_for_another(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    clear.paste((200, 60, 60, 255), (16, 16, 48, 48))
    head = struct.pack("<IiiHHIIiiII", 56, 64, 64, 1, 32, 3, 64 * 64 * 4, 2835, 2835, 0, 0)
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    pixels = clear.transpose(Image.Transpose.FLIP_TOP_BOTTOM).tobytes("raw", "BGRA")
    size = 14 + 56 + len(pixels)
    content = b"BM" + struct.pack("<IHHI", size, 0, 0, 70) + head + masks + pixels

    report = made(tmp_path, "pillow", "bmp", "png", content)[1]

    assert report.verdict == "verified", report


def linked_tar() -> bytes:
    """`a` in two versions, `b` a hard link to it, `c` a symbolic one."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for content in (b"old", b"newer"):
            entry = tarfile.TarInfo("a")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for name, kind in (("b", tarfile.LNKTYPE), ("c", tarfile.SYMTYPE)):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, "a"
            archive.addfile(link)
    return stream.getvalue()


def test_hard_links_become_files_and_the_last_of_a_name_stays(tmp_path: Path) -> None:
    result, report = made(tmp_path, "libarchive", "tar", "zip", linked_tar())

    with zipfile.ZipFile(result.outputs[0]) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    assert held == {"a": b"newer", "b": b"newer"}
    assert report.verdict == "verified", report


def newc(name: str, number: int, content: bytes) -> bytes:
    """One entry of a cpio archive whose inode has two names."""
    words = (number, 0o100644, 0, 0, 2, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08x" % word for word in words) + name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)


def test_a_linked_file_of_a_cpio_is_not_empty(tmp_path: Path) -> None:
    path = tmp_path / "linked.cpio"
    entries = newc("a", 7, b"") + newc("b", 7, b"hello")
    path.write_bytes(entries + newc("TRAILER!!!", 0, b""))

    found = facts_archives.of_cpio(path, "cpio")["files"]

    assert [(name, size) for name, size, _ in found] == [("a", 5), ("b", 5)]


def test_the_length_of_a_flash_film_is_its_last_tag(tmp_path: Path) -> None:
    path = tmp_path / "film.flv"
    tag = b"\x09" + (1).to_bytes(3, "big") + (6100).to_bytes(3, "big") + b"\0" + bytes(3) + b"\x17"
    path.write_bytes(b"FLV\x01\x05" + struct.pack(">II", 9, 0) + tag + struct.pack(">I", len(tag)))

    assert facts_media._flv_seconds(path) == 6.1
