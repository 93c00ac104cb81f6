"""How deep markup nests, measured without being held up by it."""

from __future__ import annotations

import zipfile
from pathlib import Path

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
