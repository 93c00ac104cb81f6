"""One small file for each class of fault that files of strangers brought to light."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from conversions import planner
from conversions.engines import registry
from conversions.engines.execute import execute
from conversions.engines.spec import EngineCall, EngineResult
from conversions.verification import Report, verify
from inspection.detect import detect
from inspection.facts import facts
from inspection.words import digest

pytestmark = pytest.mark.engine


def made(
    folder: Path, engine: str, source: str, target: str, content: bytes, **options: Any
) -> tuple[EngineResult, Report]:
    """A file of this content converted, and what verification says."""
    spec, work = registry.BY_ID[engine], folder / "work"
    if not registry.version(engine):
        pytest.skip(f"{spec.name} is not installed")
    work.mkdir()
    original, mine = folder / f"in.{source}", work / f"in.{source}"
    original.write_bytes(content)
    mine.write_bytes(content)
    chosen = spec.options(**options)
    call = EngineCall(
        source=mine,
        target=work / f"out.{target}",
        input_format=source,
        output_format=target,
        options=chosen,
        workdir=work,
        deadline_s=60,
        password=None,
        progress=lambda fraction, stage: None,
    )
    result = execute(spec, call)
    report = verify(original, source, result.outputs, target, chosen, engine, claims=result.facts)
    return result, report


def book(*sheets: list[list[Any]]) -> bytes:
    """A workbook of these rows."""
    import openpyxl

    workbook, stream = openpyxl.Workbook(), io.BytesIO()
    workbook.remove(workbook["Sheet"])
    for number, rows in enumerate(sheets, 1):
        sheet = workbook.create_sheet(f"S{number}")
        for row in rows:
            sheet.append(row)
    workbook.save(stream)
    return stream.getvalue()


def test_a_page_that_speaks_to_old_browsers_does_not_end_soffice(tmp_path: Path) -> None:
    page = (
        b'<html><head><meta http-equiv="X-UA-Compatible" content="IE=9"/></head>'
        b"<body>Some visible words</body></html>"
    )

    assert made(tmp_path, "libreoffice", "html", "pdf", page)[1].verdict == "verified"


def test_an_empty_sheet_is_an_empty_csv(tmp_path: Path) -> None:
    result, report = made(tmp_path, "openpyxl", "xlsx", "csv", book([["word", 1]], []))

    assert len(result.outputs) == 2
    assert report.verdict == "verified", report


def test_a_text_of_nothing_is_told_where_the_source_has_none(tmp_path: Path) -> None:
    report = made(tmp_path, "openpyxl", "xlsx", "csv", book([]))[1]

    assert report.verdict == "warnings", report
    assert any("holds no text" in check.note for check in report.checks)


def test_an_emptied_text_is_wrong(tmp_path: Path) -> None:
    result, _ = made(tmp_path, "openpyxl", "xlsx", "csv", book([["word", 1]]))
    result.outputs[0].write_bytes(b"")

    report = verify(tmp_path / "in.xlsx", "xlsx", result.outputs, "csv", {}, "openpyxl")

    assert report.verdict == "failed"


def test_every_sheet_of_a_workbook_reaches_a_tree() -> None:
    path = planner.plan(registry.ENGINES, "ods", "json")

    assert not {"csv", "tsv"} & {edge.target for edge in path}


def test_a_mailbox_is_read_by_its_messages_not_by_its_list() -> None:
    path = planner.plan(registry.ENGINES, "mbox", "md")

    assert not {"csv", "json"} & {edge.target for edge in path}


def test_slides_are_not_offered_as_columns() -> None:
    with pytest.raises(planner.NoRoute):
        planner.plan(registry.ENGINES, "pptx", "parquet")


def test_wide_cells_of_a_csv_are_printed_whole(tmp_path: Path) -> None:
    words = b"alpha beta gamma delta epsilon zeta eta theta iota kappa"
    content = b"one,two,three\n" + b",".join([words] * 3) + b"\n"
    result, report = made(tmp_path, "openpyxl", "csv", "xlsx", content)
    assert report.verdict == "verified"
    (tmp_path / "next").mkdir()

    report = made(tmp_path / "next", "libreoffice", "xlsx", "pdf", result.outputs[0].read_bytes())[
        1
    ]

    assert report.verdict == "verified", report


def test_a_changed_value_is_found(tmp_path: Path) -> None:
    content = b"name,code,price\nann,007,1.50\nbob,042,3\n"
    result, report = made(tmp_path, "data", "csv", "json", content)
    assert report.verdict == "verified", report
    rows = json.loads(result.outputs[0].read_text())

    rows[0]["code"] = 7  # without its zeros it is another code
    result.outputs[0].write_text(json.dumps(rows))
    report = verify(tmp_path / "in.csv", "csv", result.outputs, "json", {}, "data")

    assert "values_kept" in [check.name for check in report.checks if not check.ok]
    assert report.verdict == "failed"


def test_archive_form_is_looked_into(tmp_path: Path) -> None:
    source = b"<html><body>Some visible words</body></html>"
    result, report = made(tmp_path, "libreoffice", "html", "pdf", source, pdfa="1b")
    assert {check.name: check.ok for check in report.checks}["pdfa"], report
    with pikepdf.open(result.outputs[0], allow_overwriting_input=True) as document:
        document.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.beep()")
        document.save(result.outputs[0])

    report = verify(
        tmp_path / "in.html", "html", result.outputs, "pdf", {"pdfa": "1b"}, "libreoffice"
    )

    wrong = [check for check in report.checks if not check.ok]
    assert [check.name for check in wrong] == ["pdfa"]
    assert "actions" in str(wrong[0].actual)


def test_fields_of_a_form_become_text(tmp_path: Path) -> None:
    import pymupdf

    library: Any = pymupdf
    document = library.open()
    page = document.new_page()
    page.insert_text((72, 72), "Name of the applicant")
    field = library.Widget()
    field.field_name, field.field_type = "name", library.PDF_WIDGET_TYPE_TEXT
    field.rect, field.field_value = library.Rect(72, 100, 400, 130), "Zaphod Beeblebrox"
    page.add_widget(field)

    result, report = made(tmp_path, "pdf2docx", "pdf", "docx", document.tobytes())

    assert report.verdict == "verified", report
    assert "zaphod" in facts(result.outputs[0], "docx")["words"]


def test_macros_beside_a_document_are_no_malice(tmp_path: Path) -> None:
    path = tmp_path / "macro.odt"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        package.writestr("content.xml", "<document/>")
        package.writestr(
            "Basic/script-lc.xml",
            '<?xml version="1.0"?>\n<!DOCTYPE library:libraries PUBLIC '
            '"-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "libraries.dtd"><x/>',
        )
    found = detect(path, path.name)

    assert (found.format, found.malicious) == ("odt", False)


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]>',
        '<!DOCTYPE x SYSTEM "http://example.com/x.dtd">',
        f'<!DOCTYPE x SYSTEM "{"a" * 5000}"[<!ENTITY a "b">]>',
    ],
)
def test_entities_in_a_package_are_malice(doctype: str, tmp_path: Path) -> None:
    path = tmp_path / "harm.odt"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        package.writestr("content.xml", f'<?xml version="1.0"?>{doctype}<document/>')

    assert detect(path, path.name).malicious


def test_words_of_scripts_without_spaces_survive_a_line_break() -> None:
    whole, broken = digest("敏捷的狐狸跨过慵懒的狗"), digest("敏捷的狐狸跨\n过慵懒的狗")

    assert whole["words"] == broken["words"]
    assert whole["word_count"] == 11


def test_texts_of_formulas_and_truths_count_as_words(tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    path.write_bytes(book([["seen", True], ["seen", "=1"]]))

    known = facts(path, "xlsx")

    assert known["words"] == ["seen", "true"]
    assert known["word_count"] == 3  # each cell, not each shared string
