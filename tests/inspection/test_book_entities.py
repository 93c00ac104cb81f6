"""Books may declare letters; what reads files or multiplies is refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from inspection.detect import detect

LETTER = '<!ENTITY nbsp "&#160;">'
DOUBLED = '<!ENTITY a "ha"><!ENTITY b "&a;&a;">'
OUTSIDE = '<!ENTITY x SYSTEM "file:///etc/passwd">'


@pytest.mark.parametrize(
    ("declared", "malicious"), [(LETTER, False), (DOUBLED, True), (OUTSIDE, True)]
)
def test_entities_of_a_chapter(tmp_path: Path, declared: str, malicious: bool) -> None:
    book = tmp_path / "a.epub"
    with zipfile.ZipFile(book, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", "<container/>")
        archive.writestr("chapter.xhtml", f"<!DOCTYPE html [{declared}]><html/>")

    assert detect(book, "a.epub").malicious is malicious
