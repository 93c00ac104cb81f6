"""Faults that a fourth round of strangers' files brought to light, a small file for each."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from conversions.engines import registry
from conversions.engines.spec import InputRejected
from conversions.verification.documents import page_pictures
from conversions.verification.looks import same_painted_pages, same_scenes
from conversions.verification.terms import Compared
from inspection.cells import of_workbook
from inspection.facts import facts
from sandbox import runner
from tests.conversions.test_strangers import book, made

pytestmark = pytest.mark.engine


def recording(folder: Path, name: str, seconds: int = 8) -> bytes:
    """A tone that grows louder and softer, by FFmpeg."""
    if not registry.version("ffmpeg"):
        pytest.skip("FFmpeg is not installed")
    source = f"sine=f=440:r=22050:d={seconds},tremolo=f=0.5:d=0.9"
    argv = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, str(folder / name)]
    ended = runner.run(argv, profile="media", workdir=folder)
    assert ended.returncode == 0, ended
    return (folder / name).read_bytes()


def compared(before: dict[str, Any], after: dict[str, Any], target: str) -> Compared:
    """Facts of a PDF and of one picture of it."""
    return Compared(
        before=before,
        after=[after],
        source_format="pdf",
        output_format=target,
        options={},
        claims={},
    )


def scan(text: str = "") -> bytes:
    """A PDF of one page with these words drawn as a picture; none: an empty page."""
    from PIL import Image, ImageDraw, ImageFont

    page = Image.new("L", (1240, 700), 255)
    font = ImageFont.truetype("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", 48)
    ImageDraw.Draw(page).text((80, 120), text, font=font, fill=0)
    stream = io.BytesIO()
    page.save(stream, "PDF", resolution=150)
    return stream.getvalue()


@pytest.mark.parametrize("form", ["flac", "mp3"])
def test_of_a_cut_recording_what_is_left_is_kept(tmp_path: Path, form: str) -> None:
    whole = recording(tmp_path, f"tone.{form}")

    report = made(tmp_path, "ffmpeg", form, "wav", whole[: len(whole) // 2])[1]

    assert report.verdict == "warnings", report
    (check,) = [check for check in report.checks if check.name == "duration"]
    assert "cut off" in check.note


def test_a_recording_of_which_nothing_plays_is_damaged(tmp_path: Path) -> None:
    whole = recording(tmp_path, "tone.m4a")
    place = whole.index(b"mdat")
    size = struct.unpack_from(">I", whole, place - 4)[0]
    mute = whole[: place + 4] + bytes(size - 8) + whole[place - 4 + size :]

    with pytest.raises(InputRejected) as refused:
        made(tmp_path, "ffmpeg", "m4a", "wav", mute)

    assert refused.value.code == "file_corrupt"


@pytest.mark.parametrize("engine", ["pypdf", "poppler"])
def test_a_scan_is_handed_to_who_can_read_it(tmp_path: Path, engine: str) -> None:
    result = made(tmp_path, engine, "pdf", "txt", scan("Invoice for the harbour"))[0]

    assert "may be a scan" in result.unsure


def test_pictures_in_addresses_do_not_become_text(tmp_path: Path) -> None:
    page = f'<p>Before the storm</p><img src="data:image/png;base64,{"QUJD" * 2000}" alt="ship">'

    result, report = made(tmp_path, "pandoc", "html", "org", page.encode())

    text = result.outputs[0].read_text()
    assert report.verdict == "verified", report
    assert "base64" not in text
    assert "ship" in text


def test_the_path_of_our_folders_is_no_title(tmp_path: Path) -> None:
    result = made(tmp_path, "poppler", "pdf", "html", scan("harbour"))[0]

    page = result.outputs[0].read_text()
    assert "<title>Document</title>" in page
    assert str(tmp_path) not in page


def test_hebrew_in_pandocs_own_notation_is_read(tmp_path: Path) -> None:
    words = "# שלום לכולם\n\nזה טקסט ארוך בעברית עם כמה מילים אחרות"

    assert made(tmp_path, "pandoc", "md", "native", words.encode())[1].verdict == "verified"


def test_large_sheets_are_compared_by_the_same_cells(tmp_path: Path) -> None:
    sheets = [
        [[row, f"name {row}", row * 1.5, "=A1", "=A1", "=A1"] for row in range(2500)]
        for _ in range(3)
    ]

    assert made(tmp_path, "openpyxl", "xlsx", "json", book(*sheets))[1].verdict != "failed"


def test_an_empty_sheet_stays_one(tmp_path: Path) -> None:
    result = made(tmp_path, "data", "csv", "psv", b",,\n,,\n")[0]

    assert result.outputs[0].read_bytes() == b""


def test_truths_of_a_workbook_are_words_of_its_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"sheets": {"One": [["yes", True]]}}))

    assert facts(path, "json")["words"] == ["sheets", "one", "yes", "true"]


def test_hidden_rows_stay_out_of_pages(tmp_path: Path) -> None:
    stream = io.BytesIO()
    seen = io.BytesIO(book([["seen"], ["hidden words"]]))
    with zipfile.ZipFile(seen) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            part = old.read(name).replace(b'<row r="2"', b'<row r="2" hidden="1"')
            new.writestr(name, part)
    path = tmp_path / "hidden.xlsx"
    path.write_bytes(stream.getvalue())

    assert facts(path, "xlsx")["unprinted"]


def test_an_empty_slide_may_be_an_empty_picture() -> None:
    look = {"grid": [255] * 256}
    before = {"pages": 1, "blank_pages": 0, "page_looks": [look]}

    found = {c.name: c.ok for c in page_pictures(compared(before, {"contrast": 0.0}, "png"))}

    assert found["not_blank"]


def test_an_apple_icon_has_margins() -> None:
    before = {"page_looks": [{"grid": list(range(256))}]}
    after = {"grid": list(range(256))[::-1]}

    assert not list(same_painted_pages(compared(before, after, "icns")))
    assert list(same_painted_pages(compared(before, after, "png")))


def test_one_frame_says_nothing_of_moving() -> None:
    looks = [{"grid": [10 * n] * 128 + [200 - 10 * n] * 128} for n in range(4)]

    few = same_scenes(compared({"frame_looks": looks}, {"frame_looks": looks[:1]}, "ogv"))
    still = same_scenes(compared({"frame_looks": looks}, {"frame_looks": looks[:1] * 4}, "ogv"))

    assert "moves" not in {check.name for check in few}
    assert {check.name: check.ok for check in still}["moves"] is False


def aligned_right(path: Path) -> bool:
    """Whether the first word of a PDF stands nearer to the right edge than to the left."""
    import pymupdf

    library: Any = pymupdf
    with library.open(path) as document:
        page = document[0]
        left, _, right, *_ = page.get_text("words")[0]
        return bool(page.rect.width - right < left)


@pytest.mark.parametrize(
    ("source", "content"),
    [
        ("html", '<html dir="rtl"><meta charset="utf-8"><body><p>שלום</p></body></html>'),
        ("txt", "مرحبا\n"),
    ],
)
def test_what_is_read_from_the_right_begins_there(
    tmp_path: Path, source: str, content: str
) -> None:
    result, report = made(tmp_path, "libreoffice", source, "pdf", content.encode())

    assert report.verdict == "verified", report
    assert aligned_right(result.outputs[0])


def test_a_message_in_arabic_is_read_from_the_right(tmp_path: Path) -> None:
    letter = (
        "From: a@example.org\nSubject: x\nContent-Type: text/plain; charset=utf-8\n\nمرحبا بكم\n"
    )

    result = made(tmp_path, "mail", "eml", "html", letter.encode())[0]

    assert '<html dir="rtl">' in result.outputs[0].read_text()


@pytest.mark.parametrize(("target", "verdict"), [("pgm", "warnings"), ("png", "verified")])
def test_white_on_clear_is_not_seen_on_white(tmp_path: Path, target: str, verdict: str) -> None:
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">'
        '<circle cx="20" cy="20" r="12" fill="#fff"/></svg>'
    )
    png = made(tmp_path, "librsvg", "svg", "png", drawing.encode())[0].outputs[0].read_bytes()
    again = tmp_path / "again"
    again.mkdir()

    report = made(again, "pillow", "png", "webp" if target == "png" else target, png)[1]

    assert report.verdict == verdict, report


def test_cells_of_an_indented_sheet_are_found() -> None:
    ends = '<c r="A1" t="s" xmlns="x">', "</c>"
    plain, indented = (
        of_workbook(iter([("c", fromstring(inside.join(ends)))]), ["name"])
        for inside in ("<v>0</v>", "\n  <v>0</v>\n")
    )

    assert plain == indented


def test_lost_letters_of_a_short_text_are_told(tmp_path: Path) -> None:
    row = r"\trowd\cellx9000 " + "".join(rf"\pard\intbl {sign}\cell " for sign in "ABCD") + r"\row"

    report = made(tmp_path, "libreoffice", "rtf", "pdf", rf"{{\rtf1\ansi {row * 2}}}".encode())[1]

    assert report.verdict == "warnings", report
