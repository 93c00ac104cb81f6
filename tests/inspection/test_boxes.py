"""MPEG-4 boxes: the size of a HEIC as it is shown, and sound that carries a film's mark."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from inspection.detect import detect
from inspection.facts_heif import of_heif


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _heic(*shape: bytes) -> bytes:
    """A picture of 64×64 as item 2, beside a larger one as item 1."""
    other = _box(b"ispe", bytes(4) + struct.pack(">II", 512, 512))
    mine = _box(b"ispe", bytes(4) + struct.pack(">II", 64, 64))
    numbers = bytes(range(2, 3 + len(shape)))
    pairs = struct.pack(">HBB", 1, 1, 1) + struct.pack(">HB", 2, len(numbers)) + numbers
    parts = _box(b"ipco", other + mine + b"".join(shape))
    parts += _box(b"ipma", bytes(4) + struct.pack(">I", 2) + pairs)
    meta = bytes(4) + _box(b"pitm", bytes(4) + struct.pack(">H", 2)) + _box(b"iprp", parts)
    return _box(b"ftyp", b"heic" + bytes(4)) + _box(b"meta", meta)


CUT = _box(b"clap", struct.pack(">IIIIIIII", 29, 1, 50, 1, 0, 1, 0, 1))
TURN = _box(b"irot", b"\x03")


@pytest.mark.parametrize(
    ("shape", "size"),
    [((), (64, 64)), ((CUT,), (29, 50)), ((CUT, TURN), (50, 29))],
)
def test_the_primary_picture_as_it_is_shown(
    shape: tuple[bytes, ...], size: tuple[int, int], tmp_path: Path
) -> None:
    path = tmp_path / "x.heic"
    path.write_bytes(_heic(*shape))

    found = of_heif(path, "heic")

    assert (found["width"], found["height"]) == size


def _film(*handlers: bytes) -> bytes:
    tracks = (
        _box(b"trak", _box(b"mdia", _box(b"hdlr", bytes(8) + kind + bytes(12))))
        for kind in handlers
    )
    brand = _box(b"ftyp", b"isom" + bytes(4) + b"isommp42")
    return brand + _box(b"mdat", bytes(80)) + _box(b"moov", b"".join(tracks))


@pytest.mark.parametrize(
    ("handlers", "name", "expected"),
    [
        ((b"soun",), "song.m4a", "m4a"),
        ((b"soun",), "book.m4b", "m4b"),
        ((b"soun",), "song.mp4", "mp4"),
        ((b"vide", b"soun"), "film.m4a", "mp4"),
    ],
)
def test_sound_alone_is_what_its_name_says(
    handlers: tuple[bytes, ...], name: str, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(_film(*handlers))

    assert detect(path, name).format == expected


def test_a_film_in_the_container_of_its_sound_is_taken_as_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "film.ogg"
    theora = b"\x80theora\x03\x02\x01" + bytes(33)
    path.write_bytes(b"OggS\x00\x02" + bytes(20) + b"\x01" + bytes([len(theora)]) + theora)

    found = detect(path, path.name)

    assert (found.format, found.same_family) == ("ogv", True)
    assert found.warnings
