"""Faults that a third round of strangers' files brought to light, a small file for each."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from conversions.engines import registry
from conversions.engines.ffmpeg_tables import MUXERS
from inspection.detect import detect
from inspection.facts import facts
from inspection.text import encoding_of
from inspection.values import canonical
from sandbox import runner
from tests.conversions.test_strangers import made

pytestmark = pytest.mark.engine


def picture(size: tuple[int, int] = (60, 40)) -> bytes:
    """A PNG that grows clearer from left to right."""
    from PIL import Image

    stream = io.BytesIO()
    image = Image.new("RGBA", size, (200, 30, 30, 255))
    image.putalpha(Image.linear_gradient("L").rotate(90).resize(size))
    image.save(stream, "PNG")
    return stream.getvalue()


def drawing(inside: str, head: str = "") -> bytes:
    return (
        f'{head}<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">{inside}</svg>'
    ).encode()


def film(folder: Path, name: str, *words: str) -> bytes:
    """A short moving picture by FFmpeg."""
    if not registry.version("ffmpeg"):
        pytest.skip("FFmpeg is not installed")
    source = ["-f", "lavfi", "-i", "testsrc2=s=96x64:r=10:d=3"]
    argv = ["ffmpeg", "-v", "error", "-y", *source, "-pix_fmt", "yuv420p", *words]
    ended = runner.run([*argv, str(folder / name)], profile="media", workdir=folder)
    assert ended.returncode == 0, ended
    return (folder / name).read_bytes()


@pytest.mark.parametrize(
    ("words", "codec"),
    [
        ("Привет, как дела?", "cp1251"),
        ("Хорошо, спасибо большое", "koi8-r"),
        ("Zażółć gęślą jaźń", "cp1250"),
        ("Καλημέρα σε όλους", "cp1253"),
        ("שלום לכולם זה טקסט", "cp1255"),
        ("Çağrı Gökçe İstanbul", "cp1254"),
        ("Grüße, 5 €", "cp1252"),
        ("名前,年齢,住所", "cp932"),
    ],
)
def test_old_encodings_are_known_by_a_line(words: str, codec: str) -> None:
    raw = words.encode(codec)

    assert raw.decode(encoding_of(raw) or "") == words


def test_old_encodings_do_not_become_other_letters(tmp_path: Path) -> None:
    cue = "1\n00:00:01,000 --> 00:00:02,000\nПривет, как дела?\n".encode("cp1251")

    result, report = made(tmp_path, "pysubs2", "srt", "vtt", cue)

    assert report.verdict == "verified", report
    assert "Привет, как дела?" in result.outputs[0].read_text()


def test_the_encoding_that_xml_names_is_obeyed_once(tmp_path: Path) -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?><r><n>Çédille</n></r>'

    result, _ = made(tmp_path, "data", "xml", "yaml", text.encode("latin-1"))

    assert "Çédille" in result.outputs[0].read_text()


def test_letters_that_no_font_has_are_told(tmp_path: Path) -> None:
    # An Egyptian sign, which none of the fonts here draws; the words around it are there.
    result, report = made(tmp_path, "libreoffice", "txt", "pdf", "\U00013000 words".encode() * 9)

    shown = {check.name: check.ok for check in report.checks}
    boxes = facts(result.outputs[0], "pdf")["boxes"]
    assert shown["letters_shown"] is (boxes == 0)


def test_common_scripts_are_drawn(tmp_path: Path) -> None:
    text = "中文 日本語 かな 한국어 हिन्दी ไทย עברית العربية"

    _, report = made(tmp_path, "libreoffice", "txt", "pdf", text.encode())

    assert {check.name: check.ok for check in report.checks}["letters_shown"], report


def test_soft_edges_are_laid_on_the_background_of_a_gif(tmp_path: Path) -> None:
    assert made(tmp_path, "pillow", "png", "gif", picture())[1].verdict == "verified"


def test_what_is_clear_in_a_targa_is_seen(tmp_path: Path) -> None:
    from PIL import Image, ImageDraw

    image, stream = Image.new("RGBA", (40, 40)), io.BytesIO()
    ImageDraw.Draw(image).ellipse((5, 5, 30, 30), fill=(0, 0, 0, 255))
    image.save(stream, "PNG")

    result, report = made(tmp_path, "pillow", "png", "tga", stream.getvalue())

    assert report.verdict == "verified", report
    assert result.outputs


def test_a_white_sign_on_clear_ground_is_right(tmp_path: Path) -> None:
    sign = drawing('<circle cx="20" cy="20" r="12" fill="#fff"/>')

    report = made(tmp_path, "librsvg", "svg", "png", sign)[1]

    assert report.verdict == "verified", report
    assert "transparency" in {check.name for check in report.checks}


def test_names_for_text_in_a_drawing_are_taken(tmp_path: Path) -> None:
    head = '<!DOCTYPE svg [ <!ENTITY paint "fill:#ff0000"> ]>'
    path = tmp_path / "ai.svg"
    path.write_bytes(drawing('<rect width="30" height="30" style="&paint;"/>', head))

    assert not detect(path, path.name).malicious
    assert facts(path, "svg")["drawn"]["contrast"] > 10


@pytest.mark.parametrize(
    "declared",
    ['<!ENTITY x SYSTEM "file:///etc/passwd">', '<!ENTITY a "b"><!ENTITY c "&a;&a;">'],
)
def test_names_for_files_and_for_names_are_not(declared: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.svg"
    path.write_bytes(drawing("<text>&x;</text>", f"<!DOCTYPE svg [ {declared} ]>"))

    assert detect(path, path.name).malicious


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("pom.xml", "<project><a>1</a></project>", "xml"),
        ("word.json", '"just words"', "json"),
        ("paper.jats", '<?xml version="1.0"?><article><body/></article>', "jats"),
        ("mail.txt", "A line\u00a0with\u200b joints\u00a0" * 9, "txt"),
    ],
)
def test_plain_kinds_of_text_are_what_they_are_named(
    name: str, text: str, code: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)

    assert detect(tmp_path / name, name).format == code


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_films_held_upright_stay_upright(quarters: int, tmp_path: Path) -> None:
    film(tmp_path, "flat.mp4", "-c:v", "libx264")
    turned = ["-metadata:s:v", f"rotate={90 * quarters}", "-c", "copy"]
    argv = ["ffmpeg", "-v", "error", "-i", "flat.mp4", *turned, "turned.mov"]
    assert runner.run(argv, profile="media", workdir=tmp_path).returncode == 0

    content = (tmp_path / "turned.mov").read_bytes()
    result, report = made(tmp_path, "ffmpeg", "mov", "flv", content)

    assert report.verdict == "verified", report
    assert facts(result.outputs[0], "flv")["width"] == (64 if quarters % 2 else 96)


def test_interlaced_films_are_looked_at(tmp_path: Path) -> None:
    lines = ["-vf", "tinterlace=interleave_top,setfield=tff", "-flags", "+ildct+ilme"]
    content = film(tmp_path, "lines.mpg", *lines, "-c:v", "mpeg2video", "-r", "25")

    report = made(tmp_path, "ffmpeg", "mpg", "mp4", content)[1]

    assert "same_scenes" in {check.name for check in report.checks}, report


def test_six_channels_of_a_dvd_fit_into_opus(tmp_path: Path) -> None:
    assert MUXERS["weba"] == "webm"
    argv = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=3", "-af"]
    argv += ["pan=5.1(side)|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0", "-c:a", "ac3", "in6.ac3"]
    assert runner.run(argv, profile="media", workdir=tmp_path).returncode == 0

    content = (tmp_path / "in6.ac3").read_bytes()
    result, report = made(tmp_path, "ffmpeg", "ac3", "weba", content)

    assert report.verdict == "verified", report
    assert facts(result.outputs[0], "weba")["channels"] == 6


def test_remarks_and_escapes_of_web_subtitles(tmp_path: Path) -> None:
    text = (
        "WEBVTT\n\nSTYLE\n::cue { color: red }\n\n1\n00:01.000 --> 00:02.000\n"
        "Salt &amp; <c>pep</c><00:01.500><c>per</c>\n\nNOTE not said\n\n"
        "00:03.000 --> 00:04.000\nLast\n"
    )

    result, report = made(tmp_path, "pysubs2", "vtt", "srt", text.encode())

    words = result.outputs[0].read_text()
    assert report.verdict == "verified", report
    assert "Salt & pepper" in words
    assert "NOTE" not in words


def test_lines_of_old_macs_stay_apart(tmp_path: Path) -> None:
    _, report = made(tmp_path, "libreoffice", "txt", "docx", b"one two\rthree four\rfive six\r")

    assert report.verdict == "verified", report


def test_pages_that_name_a_day_without_a_date(tmp_path: Path) -> None:
    head = b'<html><head><meta name="created" content="00:00:00"/></head>'
    page = head + b"<body>some words</body></html>"

    assert made(tmp_path, "libreoffice", "html", "doc", page)[1].verdict == "verified"


def test_a_gray_picture_whose_one_gray_is_clear(tmp_path: Path) -> None:
    from PIL import Image

    stream = io.BytesIO()
    Image.linear_gradient("L").resize((40, 60)).save(stream, "PNG", transparency=0)

    assert made(tmp_path, "pillow", "png", "jpg", stream.getvalue())[1].verdict == "verified"


def test_bitmaps_with_an_empty_fourth_channel_are_solid(tmp_path: Path) -> None:
    from PIL import Image

    image, stream = Image.linear_gradient("L").resize((40, 60)).convert("RGBA"), io.BytesIO()
    image.putalpha(0)
    image.save(stream, "BMP")

    result, report = made(tmp_path, "pillow", "bmp", "png", stream.getvalue())

    assert report.verdict == "verified", report
    assert Image.open(result.outputs[0]).getextrema()[0] != (255, 255)


def test_pictures_of_fractions_are_not_black(tmp_path: Path) -> None:
    from PIL import Image

    stream = io.BytesIO()
    Image.linear_gradient("L").convert("F").point(lambda value: value / 255).save(stream, "TIFF")

    report = made(tmp_path, "pillow", "tiff", "png", stream.getvalue())[1]

    assert report.verdict == "verified", report


def test_numbers_are_one_value_however_written() -> None:
    assert canonical("1.5e-07") == canonical(0.00000015)
    assert canonical(b"ab") == canonical("ab")


def test_fonts_whose_first_glyph_has_a_name_of_its_own(tmp_path: Path) -> None:
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((0, 500))
    pen.lineTo((500, 500))
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(["first", "A"])
    builder.setupCharacterMap({65: "A"})
    builder.setupGlyf({"first": pen.glyph(), "A": pen.glyph()})
    builder.setupHorizontalMetrics({"first": (600, 0), "A": (600, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Lone", "styleName": "Regular", "psName": "Lone"})
    builder.setupOS2()
    builder.setupPost()
    stream = io.BytesIO()
    builder.font.save(stream)

    assert made(tmp_path, "fonttools", "ttf", "otf", stream.getvalue())[1].verdict == "verified"
