"""Arabic, Hebrew and Persian out of PDF: words as they are read, not as they stand."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from conversions.engines.right_to_left import in_reading_order, turned
from tests.conversions.test_strangers import made

LINES = (
    "קניתי 3 ספרים חדשים אצל Amazon Prime היום",
    "עברית בלי שום דבר אחר",
    "مرحبا بالعالم 123.45",
)


@pytest.mark.engine
def test_a_web_page_of_a_pdf_is_read_from_the_right(tmp_path: Path) -> None:
    page = '<meta charset="utf-8"><body dir="rtl">' + "".join(f"<p>{one}</p>" for one in LINES)
    for step in ("paper", "web"):
        (tmp_path / step).mkdir()
    paper, _ = made(tmp_path / "paper", "libreoffice", "html", "pdf", page.encode())
    web, report = made(tmp_path / "web", "poppler", "pdf", "html", paper.outputs[0].read_bytes())
    text = web.outputs[0].read_text()

    assert report.verdict == "verified", report
    body = html.unescape(re.sub(r"<[^>]*>", "", text.partition("<body")[2])).replace("\xa0", " ")
    words = [word for word in body.split() if word in " ".join(LINES).split()]
    assert words == " ".join(LINES).split()


@pytest.mark.parametrize(
    ("seen", "read"),
    [
        ("םלוע םולש", "שלום עולם"),
        ("24.50 ריחמ", "מחיר 24.50"),
        ("Amazon Prime לצא", "אצל Amazon Prime"),
        ("(םולש)", "(שלום)"),
        (")םולש(", "(שלום)"),
        ("only English (here) 12", "only English (here) 12"),
    ],
)
def test_a_row_is_turned(seen: str, read: str) -> None:
    assert turned(seen) == read


def placed(*parts: tuple[int, str]) -> str:
    """A line of pdftohtml's page, its parts from the left."""
    style = 'style="position:absolute;top:10px;left:{}px;white-space:nowrap" class="a"'
    return "\n".join(f"<p {style.format(left)}>{inner}</p>" for left, inner in parts)


@pytest.mark.parametrize(
    ("parts", "read"),
    [
        (((1, "<b>םלוע</b>"), (9, "םולש")), "שלום עולם"),
        (((1, "<b>םלוע</b>&#160;םולש"),), "שלום עולם"),
        (
            ((1, "The Hebrew word"), (9, "םולש"), (20, "is peace &amp; more")),
            "The Hebrew word שלום is peace & more",
        ),
        (((1, "plain"), (9, "English")), "plain English"),
    ],
)
def test_the_parts_of_a_line_stand_in_their_order(
    parts: tuple[tuple[int, str], ...], read: str
) -> None:
    text = html.unescape(re.sub(r"<[^>]*>", " ", in_reading_order(placed(*parts))))
    assert " ".join(text.split()) == read
