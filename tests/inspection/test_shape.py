"""How deep markup nests, measured without being held up by it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from inspection.shape import shape


def _shape(path: Path, code: str) -> dict[str, int]:
    return shape({"path": str(path), "format": code}, lambda fraction, stage: None)


def _package(path: Path, **parts: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(f"word/{name}.xml", text)
    return path


def test_depth_tables_and_the_longest_text_are_counted_over_all_parts(tmp_path: Path) -> None:
    body = "<d>" + "<w:tbl><w:tc>" * 3 + "abc" + "</w:tc></w:tbl>" * 3 + "<w:tbl/>abcd</d>"
    path = _package(tmp_path / "a.docx", document=body, styles="<s>longest text</s>")

    assert _shape(path, "docx") == {"depth": 7, "tables": 3, "longest_text": 12}


RELATION = '<Relationship Id="{0}" Type="http://x/relationships/{0}" Target="{1}"/>'


def _related(path: Path, body: str, **targets: str) -> Path:
    """A Word file whose parts stand in these relations; ``body`` is the name of its text."""
    relations = "".join(RELATION.format(*pair) for pair in targets.items())
    root = RELATION.format("officeDocument", f"word/{body}.xml")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("_rels/.rels", f"<Relationships>{root}</Relationships>")
        archive.writestr(
            "word/_rels/document.xml.rels", f"<Relationships>{relations}</Relationships>"
        )
        archive.writestr("word/document.xml", "<d/>")
        archive.writestr("word/styles.xml", "<a>" * 20 + "</a>" * 20)
    return path


def test_what_is_not_laid_out_may_nest(tmp_path: Path) -> None:
    path = _related(tmp_path / "a.docx", "document", styles="styles.xml")

    assert _shape(path, "docx")["depth"] == 1


@pytest.mark.parametrize(
    ("body", "targets"),
    [
        ("styles", {"styles": "styles.xml"}),
        ("document", {"styles": "styles.xml", "header": "/word/Styles%2Exml"}),
        ("document", {"header": "styles.xml"}),
    ],
)
def test_a_text_does_not_hide_behind_a_name(
    tmp_path: Path, body: str, targets: dict[str, str]
) -> None:
    path = _related(tmp_path / "a.docx", body, **targets)

    assert _shape(path, "docx")["depth"] == 20


def test_nothing_deep_is_followed_to_its_end(tmp_path: Path) -> None:
    path = _package(tmp_path / "a.docx", document="<a>" * 5_000_000)

    found = _shape(path, "docx")

    assert 1_000 < found["depth"] < 1_100


def test_what_can_not_be_read_is_left_to_others(tmp_path: Path) -> None:
    broken = tmp_path / "a.docx"
    broken.write_bytes(b"PK\x03\x04 and nothing else")

    assert _shape(broken, "docx") == {"depth": 0, "tables": 0, "longest_text": 0}


def test_tables_of_a_page_without_order(tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    page.write_text("</table><TABLE><tr><td><table>x</table></td></tr></table><table>")

    assert _shape(page, "html")["tables"] == 2
