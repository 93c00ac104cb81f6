"""Detection on every sample, and the policies for odd files."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import pytest

from inspection.detect import detect
from inspection.formats import BY_CODE, FORMATS, canonical

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
needs_samples = pytest.mark.skipif(not SAMPLES.exists(), reason="no samples beside this checkout")


def _rows() -> list[tuple[str, str]]:
    if not SAMPLES.exists():
        return []
    with (SAMPLES / "manifest.csv").open(newline="") as file:
        return [(row["file"], row["expected_format"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize(("file", "expected"), _rows())
def test_samples_are_what_they_are(file: str, expected: str) -> None:
    found = detect(SAMPLES / file, Path(file).name)

    assert found.format == canonical(expected)
    assert found.extension_matches
    flags = ("malicious", "archive_bomb", "points_elsewhere", "empty", "damaged")
    assert not any(getattr(found, flag) for flag in flags)


@needs_samples
@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("exe_as.png", {"format": "exe", "extension_matches": False}),
        ("jpg_as.pdf", {"format": "jpg", "extension_matches": False}),
        ("mvg_as.jpg", {"format": None, "points_elsewhere": True}),
        ("draw.mvg", {"format": None, "points_elsewhere": True}),
        ("playlist.mp4", {"format": None, "points_elsewhere": True}),
        ("playlist.m3u8", {"format": None, "points_elsewhere": True}),
        ("laughs.docx", {"format": "docx", "malicious": True}),
        ("xxe.docx", {"format": "docx", "malicious": True}),
        ("xxe.svg", {"format": "svg", "malicious": True}),
        ("password.pdf", {"format": "pdf", "encrypted": True, "needs_password": None}),
        ("empty.docx", {"format": None, "empty": True}),
        ("poly.jpg", {"format": "jpg", "extension_matches": True}),
    ],
)
def test_hostile_files(file: str, expected: dict[str, object]) -> None:
    found = detect(SAMPLES / "hostile" / file, file)

    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize("data", [b"", b" \r\n\t", b"\xef\xbb\xbf", b"\xff\xfe \x00"])
def test_nothing_but_space_is_empty(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(data)

    assert detect(file, "a.txt").empty


def test_a_zip_bomb_is_flagged_by_its_directory(tmp_path: Path) -> None:
    file = tmp_path / "a.docx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(120_000_000))

    assert detect(file, "a.docx").archive_bomb


def test_a_plain_zip_named_docx_is_a_zip(tmp_path: Path) -> None:
    file = tmp_path / "a.docx"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("hello.txt", "hello")

    found = detect(file, "a.docx")
    assert (found.format, found.declared_format, found.extension_matches) == ("zip", "docx", False)


@pytest.mark.parametrize(("word", "code"), [("JPEG", "jpg"), (".tif", "tiff"), ("htm", "html")])
def test_spellings(word: str, code: str) -> None:
    assert canonical(word) == code


def test_formats_are_sound() -> None:
    assert len(BY_CODE) == len(FORMATS) >= 210
    assert all(row.extensions and row.media_types for row in FORMATS)
    endings = [name.lower() for row in FORMATS for name in row.extensions]
    assert len(set(endings)) == len(endings)
    assert all(row.same_bytes_as in BY_CODE for row in FORMATS if row.same_bytes_as)


@needs_samples
@pytest.mark.parametrize(
    ("file", "named", "code"),
    [
        ("image/alpha.png", "a.jpg", "png"),
        ("audio/tone.flac", "a.mp3", "flac"),
        ("font/OpenSans.woff2", "a.ttf", "woff2"),
    ],
)
def test_another_type_of_the_same_family_is_taken_for_what_it_is(
    file: str, named: str, code: str
) -> None:
    path = next(SAMPLES.glob(f"*/{Path(file).name}"))

    found = detect(path, named)

    assert (found.format, found.same_family, found.extension_matches) == (code, True, False)
    assert any("as its name says" in note for note in found.warnings)


@needs_samples
def test_another_family_or_a_document_that_is_another_is_no_match() -> None:
    pdf = detect(SAMPLES / "pdf/multi-page.pdf", "a.docx")
    picture = detect(SAMPLES / "image/alpha.png", "a.mp4")

    assert not pdf.same_family
    assert not picture.same_family


@pytest.mark.parametrize(
    ("text", "name", "code"),
    [
        ("WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n", "a.vtt", "vtt"),
        ("1\n00:00:01,000 --> 00:00:02,000\nHi\n", "a.txt", "srt"),
        ("[Script Info]\nTitle: x\n\n[V4+ Styles]\n", "a.ass", "ass"),
        ("{25}{50}Hi\n{60}{70}You\n", "a.sub", "sub"),
        ("[10][20]Hi\n[30][40]You\n", "a.mpl", "mpl2"),
        ('{"a": 1}\n{"a": 2}\n', "a.jsonl", "jsonl"),
        ("a = 1\n[b]\nc = 2\n", "a.toml", "toml"),
        ("P3\n1 1\n255\n1 2 3\n", "a.ppm", "ppm"),
        ("#define x_width 8\n#define x_height 1\n", "a.xbm", "xbm"),
        ("%!PS-Adobe-3.0 EPSF-3.0\n", "a.eps", "eps"),
        ("%!PS-Adobe-3.0\n", "a.ps", "ps"),
        ("YUV4MPEG2 W16 H16 F25:1\n", "a.y4m", "y4m"),
    ],
)
def test_kinds_of_text_by_their_words(tmp_path: Path, text: str, name: str, code: str) -> None:
    file = tmp_path / name
    file.write_text(text)

    assert detect(file, name).format == code


@needs_samples
def test_names_of_streams_may_be_in_capitals(tmp_path: Path) -> None:
    old = next((SAMPLES / "xls").glob("*.xls")).read_bytes()
    usual, capitals = (word.encode("utf-16-le") for word in ("Workbook", "WORKBOOK"))
    assert usual in old
    path = tmp_path / "old.xls"
    path.write_bytes(old.replace(usual, capitals))

    assert detect(path, "old.xls").format == "xls"
