"""Records from one format to another by way of a third: as many, with a line of names or none."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

import openpyxl
import pytest

from conversions.verification import Report, verify
from tests.conversions.test_strangers import made

pytestmark = pytest.mark.engine

ROWS = [{"id": number, "name": f"name {number}"} for number in range(1, 6)]


def workbook(*sizes: int) -> bytes:
    """A sheet of so many records for each size; none has no names either."""
    book, kept = openpyxl.Workbook(), io.BytesIO()
    lines: list[list[int | str]] = [["id", "name"]]
    lines += [[number, f"name {number}"] for number in range(1, 6)]
    for number, size in enumerate(sizes):
        sheet = book.worksheets[0] if not number else book.create_sheet()
        for row in lines[: size + 1 if size else 0]:
            sheet.append(row)
    book.save(kept)
    return kept.getvalue()


def parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kept = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), kept)
    return kept.getvalue()


CONTENT = {
    "json": json.dumps(ROWS).encode(),
    "jsonl": "".join(json.dumps(row) + "\n" for row in ROWS).encode(),
    "yaml": "".join(f"- id: {row['id']}\n  name: {row['name']}\n" for row in ROWS).encode(),
    "parquet": parquet(),
    "xml": b"<a>%s</a>" % b"".join(b"<b><id>%d</id><n>one</n></b>" % n for n in range(4)),
    "xlsx": workbook(5),
    "sheets": workbook(5, 1, 0),
}


def through_csv(folder: Path, kind: str, target: str, content: bytes | None = None) -> Report:
    """What verification says of a chain over CSV, each table on its own."""
    source = "xlsx" if kind == "sheets" else kind
    reader = "openpyxl" if source == "xlsx" else "data"
    writer = "openpyxl" if target == "xlsx" else "data"
    (first := folder / "first").mkdir()
    original = content or CONTENT[kind]
    tables, _ = made(first, reader, source, "csv", original)
    results: list[Path] = []
    claims: Mapping[str, object] = {}
    for number, table in enumerate(tables.outputs):
        (step := folder / f"{number}").mkdir()
        if table.stat().st_size:
            result, _ = made(step, writer, "csv", target, table.read_bytes())
            results, claims = [*results, *result.outputs], result.facts
    before = first / f"before.{source}"
    before.write_bytes(CONTENT[kind])
    return verify(before, source, tuple(results), target, {}, writer, claims=claims)


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("json", "xlsx"),
        ("jsonl", "xlsx"),
        ("yaml", "xlsx"),
        ("parquet", "xlsx"),
        ("xml", "xlsx"),
        ("xlsx", "parquet"),
        ("xlsx", "jsonl"),
        ("sheets", "parquet"),
        ("sheets", "jsonl"),
    ],
)
def test_all_records_arrive(kind: str, target: str, tmp_path: Path) -> None:
    report = through_csv(tmp_path, kind, target)

    assert report.verdict == "verified", report
    assert "rows" in {check.name for check in report.checks}


@pytest.mark.parametrize(("kind", "target"), [("json", "xlsx"), ("xlsx", "parquet")])
def test_a_record_that_is_lost_is_missed(kind: str, target: str, tmp_path: Path) -> None:
    fewer = {"json": json.dumps(ROWS[:-1]).encode(), "xlsx": workbook(4)}[kind]

    report = through_csv(tmp_path, kind, target, fewer)

    assert "rows" in {check.name for check in report.checks if not check.ok}
    assert report.verdict == "failed"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (
            "csv",
            "name,mail,page\nAnna Bauer,anna@bauer.example,https://www.bauer-technik.example/page\n",
        ),
        ("json", '[{"name": "Anna", "page": "https://www.bauer-technik.example/page"}]'),
    ],
)
@pytest.mark.parametrize("target", ["md", "html"])
def test_addresses_in_a_table_are_no_lost_words(
    kind: str, content: str, target: str, tmp_path: Path
) -> None:
    _, report = made(tmp_path, "data", kind, target, content.encode())

    assert report.verdict == "verified", report
