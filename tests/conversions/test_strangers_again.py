"""Faults that the second round of strangers' files brought to light, a small file for each."""

from __future__ import annotations

import io
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest

from conversions.engines.libreoffice_comments import has_comments
from inspection.codepages import decoded
from inspection.facts import facts
from tests.conversions.test_strangers import made

pytestmark = pytest.mark.engine


def commented(words: str) -> bytes:
    """A document with a comment beside its words."""
    from docx import Document

    document, stream = Document(), io.BytesIO()
    paragraph = document.add_paragraph(words)
    document.add_comment(paragraph.runs, text="Marginal remark", author="A", initials="A")
    document.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize("target", ["pdf", "txt", "odt", "rtf", "html"])
def test_comments_do_not_end_soffice(target: str, tmp_path: Path) -> None:
    content = commented("Quarterly figures rose everywhere")
    result, report = made(tmp_path, "libreoffice", "docx", target, content)

    assert report.verdict != "failed", report
    assert "quarterly" in facts(result.outputs[0], target)["words"]


def test_comments_stay_where_the_format_holds_them(tmp_path: Path) -> None:
    result, _ = made(tmp_path, "libreoffice", "docx", "odt", commented("Quarterly figures"))

    with zipfile.ZipFile(result.outputs[0]) as archive:
        assert b"Marginal remark" in archive.read("content.xml")


def test_an_empty_part_for_comments_is_no_comment(tmp_path: Path) -> None:
    path = tmp_path / "commented.docx"
    path.write_bytes(commented("Quarterly figures"))
    result, _ = made(tmp_path, "pandoc", "md", "docx", b"Quarterly figures")  # writes the part

    with zipfile.ZipFile(result.outputs[0]) as archive:
        assert "word/comments.xml" in archive.namelist()
    assert not has_comments(result.outputs[0], "docx")
    assert has_comments(path, "docx")


def test_signs_that_stand_in_for_unicode_are_no_words(tmp_path: Path) -> None:
    path = tmp_path / "in.rtf"
    path.write_bytes(
        rb"{\rtf1\ansi {\uc2 \u26684\'ae\'e6\u24335\'a6\'a1} na\u239?ve \uc0\u228 rger}"
    )

    assert facts(path, "rtf")["words"] == ["格", "式", "naïve", "ärger"]


def test_a_title_of_the_window_is_no_text_of_the_page(tmp_path: Path) -> None:
    page = b"<html><head><title>Window title here</title></head><body><p>Lone</p></body></html>"

    assert made(tmp_path, "libreoffice", "html", "pdf", page)[1].verdict == "verified"


def test_footnotes_of_a_document_are_found(tmp_path: Path) -> None:
    text = b"First second third[^1]\n\n[^1]: Fourth fifth sixth seventh eighth ninth tenth\n"

    assert made(tmp_path, "pandoc", "md", "docx", text)[1].verdict == "verified"


OFFICE = 'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
TEXT = 'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'


def test_fields_and_comments_are_not_compared(tmp_path: Path) -> None:
    path = tmp_path / "in.fodt"
    path.write_text(
        f"<office:document {OFFICE} {TEXT}><office:body><office:text><text:p>Kept"
        "<office:annotation><text:p>remark</text:p></office:annotation> words "
        "<text:user-field-get>stale</text:user-field-get> after</text:p>"
        "</office:text></office:body></office:document>"
    )

    assert facts(path, "fodt")["words"] == ["kept", "words", "after"]


def test_an_empty_list_keeps_its_name(tmp_path: Path) -> None:
    result, report = made(tmp_path, "data", "toml", "xml", b'requires = []\nname = "setup"\n')

    assert b"<requires" in result.outputs[0].read_bytes()
    assert report.verdict == "verified"


def test_a_message_that_names_a_wrong_encoding_is_read(tmp_path: Path) -> None:
    head = b"From: a@example.com\r\nSubject: x\r\nContent-Type: text/plain; charset=GB2312\r\n"
    body = "Content-Transfer-Encoding: 8bit\r\n\r\n你好！我公司可代开各类\r\n".encode()
    result, report = made(tmp_path, "mail", "eml", "txt", head + body)

    assert "你好" in result.outputs[0].read_text()
    assert report.verdict == "verified"


def test_one_of_two_ways_to_say_a_message_is_enough(tmp_path: Path) -> None:
    message = EmailMessage()
    message["From"], message["Subject"] = "a@example.com", "News"
    message.set_content("Plain words only, and addresses: https://example.com/alpha/beta")
    message.add_alternative("<p>Quite other words for readers of pages</p>", subtype="html")

    for target in ("html", "txt"):
        folder = tmp_path / target
        folder.mkdir()
        assert made(folder, "mail", "eml", target, message.as_bytes())[1].verdict == "verified"


def test_windows_writes_more_than_its_encodings_names_say() -> None:
    assert decoded("碁銹".encode("cp950"), "big5") == "碁銹"
    assert decoded("grün".encode("cp1252"), "iso-8859-1") == "grün"
    assert decoded(b"\xff", "no-such-name") == "\ufffd"
