"""Reading for the data engine: one value of dicts, lists and scalars from every format."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from conversions.engines.spec import InputRejected, LimitExceeded
from inspection.text import decode_head, find_encoding, undeclared

MOST_BYTES = 128 << 20
MOST_NODES = 5_000_000
_MOST_DEPTH = 200


def read(path: Path, code: str) -> Any:
    """The whole content; raises InputRejected or LimitExceeded."""
    if path.stat().st_size > MOST_BYTES:
        raise LimitExceeded("Data files of more than 128 MB are not taken.")
    try:
        found = _BINARY[code](path) if code in _BINARY else _TEXT[code](_text(path))
        return plain(found)
    except (MemoryError, InputRejected, LimitExceeded):
        raise
    except RecursionError as error:
        raise InputRejected("The data is nested too deeply.") from error
    except Exception as error:  # each library has exceptions of its own for broken data
        text = f"The file is no valid {code.upper()}."
        raise InputRejected(text, detail=f"{type(error).__name__}: {error}"[:800]) from error


def _text(path: Path) -> str:
    return decode_head(path, find_encoding(path), MOST_BYTES).lstrip("\ufeff")


def plain(value: Any) -> Any:
    """Only dicts with text keys, lists and JSON's scalars; aliases are counted each time."""
    left = MOST_NODES

    def walk(one: Any, depth: int) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            text = "The data unfolds to more than five million values."
            raise LimitExceeded(text, code="output_too_large")
        if depth > _MOST_DEPTH:
            raise InputRejected("The data is nested too deeply.")
        if isinstance(one, dict):
            return {str(key): walk(item, depth + 1) for key, item in one.items()}
        if isinstance(one, list | tuple | set):
            return [walk(item, depth + 1) for item in one]
        return _scalar(one)

    return walk(value, 0)


def _scalar(one: Any) -> Any:
    if one is None or isinstance(one, bool | int | float | str):
        return one
    if isinstance(one, datetime | date | time):
        return one.isoformat()
    if isinstance(one, bytes):
        return one.decode("utf-8", "replace")
    return str(one) if not isinstance(one, Decimal) else float(one)


def _delimited(text: str, marks: str) -> list[dict[str, str]]:
    head = [line for line in text.splitlines() if line.strip()][:50]
    mark = max(marks, key=lambda m: _evenness(head, m))
    csv.field_size_limit(16 << 20)
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark) if any(row)]
    if not rows:
        return []  # an empty sheet of a workbook
    width = max(map(len, rows))
    names = _names(rows[0], width)
    return [dict(zip(names, row + [""] * (width - len(row)), strict=True)) for row in rows[1:]]


def _evenness(lines: list[str], mark: str) -> tuple[float, int]:
    counts = [len(row) for row in csv.reader(lines, delimiter=mark)]
    usual = max(set(counts), key=counts.count) if counts else 1
    return (counts.count(usual) / len(counts) if usual > 1 else 0.0, usual)


def _names(first: list[str], width: int) -> list[str]:
    """Distinct names of columns, also where the file has none or the same twice."""
    names: list[str] = []
    for number in range(width):
        name = (first[number].strip() if number < len(first) else "") or f"column {number + 1}"
        while name in names:
            name += " (2)"
        names.append(name)
    return names


def _jsonl(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _yaml(text: str) -> Any:
    import yaml  # noqa: PLC0415

    documents = list(yaml.safe_load_all(text))
    return documents[0] if len(documents) == 1 else documents


def _toml(text: str) -> Any:
    import tomllib  # noqa: PLC0415

    return tomllib.loads(text)


def _xml(text: str) -> Any:
    from defusedxml.ElementTree import fromstring  # noqa: PLC0415

    root = fromstring(undeclared(text).encode("utf-8"), forbid_dtd=False)
    return {_local(root.tag): _element(root, 0)}


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]


def _element(element: Any, depth: int) -> Any:
    """Attributes as ``@name``, text as ``#text``, children of one name as a list."""
    if depth > _MOST_DEPTH:
        raise InputRejected("The data is nested too deeply.")
    made: dict[str, Any] = {f"@{_local(key)}": value for key, value in element.attrib.items()}
    for child in element:
        name, value = _local(child.tag), _element(child, depth + 1)
        if name not in made:
            made[name] = value
        elif isinstance(made[name], list):
            made[name].append(value)
        else:
            made[name] = [made[name], value]
    words = (element.text or "").strip()
    if not made:
        return words
    return {**made, "#text": words} if words else made


def _arrow(path: Path, code: str) -> list[dict[str, Any]]:
    import pyarrow as pa  # noqa: PLC0415

    pa.set_cpu_count(1)
    if code == "parquet":
        from pyarrow import parquet  # noqa: PLC0415

        table = parquet.ParquetFile(path, pre_buffer=False).read(use_threads=False)
    elif code == "orc":
        from pyarrow import orc  # noqa: PLC0415

        table = orc.ORCFile(str(path)).read()
    else:
        options = pa.ipc.IpcReadOptions(use_threads=False)
        opener = pa.ipc.open_file if code == "feather" else pa.ipc.open_stream
        reader = opener(pa.BufferReader(path.read_bytes()), options=options)
        table = _all_batches(reader, pa, file=code == "feather")
    if table.num_rows * max(1, table.num_columns) > MOST_NODES:
        text = "The table has more than five million cells."
        raise LimitExceeded(text, code="output_too_large")
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def _all_batches(reader: Any, pa: Any, *, file: bool) -> Any:
    """One by one: reading all at once starts threads, which the child can't."""
    if not file:
        return reader.read_all()
    batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
    return pa.Table.from_batches(batches, reader.schema)


_TEXT: dict[str, Callable[[str], Any]] = {
    "csv": lambda text: _delimited(text, ",;\t|"),
    "tsv": lambda text: _delimited(text, "\t"),
    "psv": lambda text: _delimited(text, "|"),
    "json": json.loads,
    "jsonl": _jsonl,
    "yaml": _yaml,
    "toml": _toml,
    "xml": _xml,
}
_BINARY: dict[str, Callable[[Path], Any]] = {
    "parquet": lambda path: _arrow(path, "parquet"),
    "feather": lambda path: _arrow(path, "feather"),
    "arrow": lambda path: _arrow(path, "arrow"),
    "orc": lambda path: _arrow(path, "orc"),
}
