"""Data among its formats, by the standard library, PyYAML, tomlkit and PyArrow.

Trees (JSON, YAML, TOML, XML) keep their shape; tables come from lists of records. YAML is read
safely and its aliases are counted as often as they unfold; XML without entities. Cells stay text
unless all of a column are plain numbers. Source: https://arrow.apache.org/docs/python/
"""

from __future__ import annotations

import importlib.metadata
from typing import Literal

from pydantic import Field

from conversions.engines.data_read import read
from conversions.engines.data_write import write
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

TEXTS = ("csv", "tsv", "psv", "json", "jsonl", "yaml", "toml", "xml")


class Options(EngineOptions):
    """How text is laid out."""

    indent: int = Field(default=2, ge=0, le=8, description="Spaces a level in JSON; 0: one line.")
    delimiter: Literal[",", ";", "|", "\t"] = Field(default=",", description="Between CSV cells.")


def find_version() -> str | None:
    """Version of the installed PyArrow, the one part that is no text."""
    try:
        for name in ("pyyaml", "tomlkit", "defusedxml"):
            importlib.metadata.version(name)
        return importlib.metadata.version("pyarrow")
    except importlib.metadata.PackageNotFoundError:
        return None


_HOLD_NOTHING = ("json", "yaml", "csv", "tsv", "psv")


def run(call: EngineCall) -> EngineResult:
    """Read everything, write everything. Runs in a sandboxed child."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    call.progress(0.1, "reading")
    value = read(call.source, call.input_format)
    bare = value == [] and call.output_format in _HOLD_NOTHING  # names of columns, no rows
    if not bare and (value is None or value in ([], {})):
        raise InputRejected("There is no data in the file.")
    call.progress(0.6, "writing")
    facts = {}
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        facts = {"rows": len(value), "columns": len({name for one in value for name in one})}
    warnings = write(value, call.target, call.output_format, options)
    call.progress(1.0, "done")
    return EngineResult(outputs=(call.target,), warnings=tuple(warnings), facts=facts)


SPEC = EngineSpec(
    id="data",
    name="Data",
    licence="Apache-2.0",
    routes=(
        Route(
            inputs=(*TEXTS, "parquet", "feather", "arrow", "orc"),
            outputs=("json", "yaml"),
            fidelity=97,
            loses=("comments", "types that JSON does not know"),
        ),
        Route(
            inputs=(*TEXTS, "parquet", "feather", "arrow", "orc"),
            outputs=("xml", "toml"),
            fidelity=88,
            loses=("comments", "empty values in TOML", "types in XML"),
        ),
        Route(
            inputs=(*TEXTS, "parquet", "feather", "arrow", "orc"),
            outputs=("csv", "tsv", "psv", "jsonl", "parquet"),
            fidelity=85,
            loses=("nesting: what is no table becomes paths and values",),
        ),
        Route(
            inputs=(*TEXTS, "parquet", "feather", "arrow", "orc"),
            outputs=("html", "md"),
            fidelity=75,
            loses=("types", "nesting"),
        ),
    ),
    options=Options,
    runner=Runner.PYTHON,
    queue=Queue.CONVERT,
    sandbox="document",
    seconds=0.1,
    units=1,
    find_version=find_version,
    run=run,
    preload=("yaml", "tomlkit", "tomllib", "defusedxml.ElementTree", "xml.etree.ElementTree"),
)
