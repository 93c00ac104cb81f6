"""openpyxl (MIT): Excel workbooks to CSV, JSON and text, and CSV to a workbook.

Values as Excel last saved them; formulas, charts and colours do not travel. Cells of a CSV stay
what they are: text that looks like a formula never becomes one.
Source: https://openpyxl.readthedocs.io
"""

from __future__ import annotations

import importlib.metadata
from typing import Literal

from pydantic import Field

from conversions.engines.openpyxl_read import write_tables
from conversions.engines.openpyxl_write import write_workbook
from conversions.engines.spec import (
    EngineCall,
    EngineOptions,
    EngineResult,
    EngineSpec,
    InputRejected,
    Queue,
    Route,
    Runner,
)


class Options(EngineOptions):
    """Which sheet, and how CSV is spelled."""

    sheet: str | None = Field(
        default=None,
        max_length=200,
        description="Name or number (from 1) of one sheet. All when left out; CSV: one file each.",
    )
    delimiter: Literal["auto", "comma", "semicolon", "tab", "pipe"] = Field(
        default="auto", description="Between CSV cells; auto: found when reading, comma written."
    )
    encoding: Literal[
        "auto", "utf-8", "utf-8-sig", "utf-16", "cp1252", "shift_jis", "gb18030", "euc_kr"
    ] = Field(default="auto", description="Encoding of the CSV; auto: found, UTF-8 written.")
    numbers: bool = Field(default=True, description="CSV to XLSX: plain numbers become numbers.")


def find_version() -> str | None:
    """Version of the installed openpyxl."""
    try:
        return importlib.metadata.version("openpyxl")
    except importlib.metadata.PackageNotFoundError:
        return None


def run(call: EngineCall) -> EngineResult:
    """Convert one table file. Runs in a sandboxed child."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    if call.input_format in ("csv", "tsv"):
        facts, warnings = write_workbook(call, options)
        return EngineResult(outputs=(call.target,), warnings=tuple(warnings), facts=facts)
    outputs, facts, warnings = write_tables(call, options)
    if not outputs:  # another engine may see what this one doesn't
        raise InputRejected("openpyxl finds no sheet in the workbook.")
    return EngineResult(outputs=tuple(outputs), warnings=tuple(warnings), facts=facts)


SPEC = EngineSpec(
    id="openpyxl",
    name="openpyxl",
    licence="MIT",
    routes=(
        Route(
            inputs=("xlsx",),
            outputs=("csv", "json", "txt"),
            fidelity=70,
            loses=("formulas", "formats", "charts", "pictures"),
            options=("sheet", "delimiter", "encoding"),
        ),
        Route(
            inputs=("csv", "tsv"),
            outputs=("xlsx",),
            fidelity=95,
            options=("delimiter", "encoding", "numbers"),
        ),
    ),
    options=Options,
    runner=Runner.PYTHON,
    queue=Queue.CONVERT,
    sandbox="document",
    seconds=0.2,
    units=1,
    find_version=find_version,
    run=run,
    preload=("openpyxl", "conversions.engines.openpyxl_read", "conversions.engines.openpyxl_write"),
)
