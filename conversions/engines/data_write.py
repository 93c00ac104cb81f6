"""Writing for the data engine: trees as they are, tables from lists of records."""

from __future__ import annotations

import csv
import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conversions.engines.spec import OptionUnsupported

if TYPE_CHECKING:
    from conversions.engines.data import Options

Rows = list[dict[str, Any]]


def write(value: Any, path: Path, code: str, options: Options) -> list[str]:
    """Write one value; returns warnings."""
    if code in _TREES:
        text, warnings = _TREES[code](value, options)
        path.write_text(text, encoding="utf-8")
        return warnings
    rows, warnings = as_rows(value)
    if code == "parquet":
        _parquet(rows, path)
    else:
        _TABLES[code](rows, path, options)
    return warnings


def as_rows(value: Any) -> tuple[Rows, list[str]]:
    """Records with the same columns; what is no table becomes paths and values."""
    found = value
    if value == []:
        return [], []
    if isinstance(value, dict) and len(value) == 1:
        found = next(iter(value.values()))
        if isinstance(found, dict) and len(found) == 1:
            found = next(iter(found.values()))
    if isinstance(found, list) and found and all(isinstance(one, dict) for one in found):
        names = list(dict.fromkeys(name for one in found for name in one))
        return [{name: _cell(one.get(name)) for name in names} for one in found], []
    if isinstance(found, list) and found and not any(isinstance(x, dict | list) for x in found):
        return [{"value": one} for one in found], []
    rows = [{"path": path, "value": one} for path, one in _leaves(value, "")]
    return rows, ["The data is no table: it was written as paths and values."]


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return value


def _leaves(value: Any, at: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        pairs = [(f"{at}.{key}" if at else key, item) for key, item in value.items()]
    elif isinstance(value, list) and value:
        pairs = [(f"{at}[{number}]", item) for number, item in enumerate(value)]
    else:
        return [(at, "" if isinstance(value, dict | list) else value)]
    return [leaf for name, item in pairs for leaf in _leaves(item, name)]


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _delimited(rows: Rows, path: Path, mark: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=mark, lineterminator="\n")
        writer.writerows([rows[0]] if rows else ())
        writer.writerows([_shown(value) for value in row.values()] for row in rows)


def _html(rows: Rows, path: Path, options: Options) -> None:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in rows[0])
    body = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(_shown(v))}</td>" for v in row.values()) + "</tr>"
        for row in rows
    )
    path.write_text(
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>Table</title></head><body>\n'
        f"<table>\n<tr>{head}</tr>\n{body}\n</table>\n</body></html>\n",
        encoding="utf-8",
    )


def _md(rows: Rows, path: Path, options: Options) -> None:
    def line(cells: list[str]) -> str:
        return "| " + " | ".join(re.sub(r"\s+", " ", c).replace("|", "\\|") for c in cells) + " |"

    lines = [line(list(rows[0])), line(["---"] * len(rows[0]))]
    lines += [line([_shown(value) for value in row.values()]) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _parquet(rows: Rows, path: Path) -> None:
    """Columns are numbers only where every cell is one and none would lose a leading zero."""
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    pa.set_cpu_count(1)
    columns = {name: _typed([row[name] for row in rows]) for name in rows[0]}
    parquet.write_table(pa.table(columns), path, compression="zstd")


def _typed(cells: list[Any]) -> list[Any]:
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds <= {int, float} or kinds == {bool}:
        return [float(c) if float in kinds and c is not None else c for c in cells]
    texts = [_shown(cell) for cell in cells]
    if kinds == {str} and all(re.fullmatch(r"-?(0|[1-9]\d{0,17})", text) for text in texts):
        return [int(text) for text in texts]
    if kinds == {str} and all(re.fullmatch(r"-?(0|[1-9]\d{0,14})\.\d{1,12}", t) for t in texts):
        return [float(text) for text in texts]
    return [None if cell is None else text for cell, text in zip(cells, texts, strict=True)]


def _jsonl(rows: Rows, path: Path, options: Options) -> None:
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _json(value: Any, options: Options) -> tuple[str, list[str]]:
    return json.dumps(value, ensure_ascii=False, indent=options.indent or None) + "\n", []


def _yaml(value: Any, options: Options) -> tuple[str, list[str]]:
    import yaml  # noqa: PLC0415

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    text = yaml.dump(value, Dumper=Plain, allow_unicode=True, sort_keys=False, width=100)
    return text.removesuffix("...\n"), []


def _toml(value: Any, options: Options) -> tuple[str, list[str]]:
    import tomlkit  # noqa: PLC0415

    warnings = []
    if not isinstance(value, dict):
        value = {"items": value}
        warnings.append("TOML needs names at the top: the list is called “items”.")
    kept, dropped = _without_none(value)
    if dropped:
        warnings.append(f"TOML has no null: {dropped} empty values were left out.")
    return tomlkit.dumps(kept), warnings


def _without_none(value: Any) -> tuple[Any, int]:
    if isinstance(value, dict):
        pairs = {key: _without_none(item) for key, item in value.items() if item is not None}
        lost = sum(item is None for item in value.values()) + sum(n for _, n in pairs.values())
        return {key: item for key, (item, _) in pairs.items()}, lost
    if isinstance(value, list):
        items = [_without_none(item) for item in value if item is not None]
        return [item for item, _ in items], sum(n for _, n in items) + value.count(None)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 63:
        raise OptionUnsupported("TOML holds whole numbers of 64 bits only.")
    return value, 0


def _xml(value: Any, options: Options) -> tuple[str, list[str]]:
    from xml.etree.ElementTree import Element, indent, tostring  # noqa: PLC0415

    name, inside = "root", value
    if isinstance(value, dict) and len(value) == 1:
        name, inside = next(iter(value.items()))
        name, inside = ("root", value) if isinstance(inside, list) else (name, inside)
    root = Element(_tag(name))
    _fill(root, inside)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n', []


def _fill(element: Any, value: Any) -> None:
    from xml.etree.ElementTree import SubElement  # noqa: PLC0415

    if isinstance(value, dict):
        for key, item in value.items():
            if key.startswith("@") and not isinstance(item, dict | list):
                element.set(_tag(key[1:]), _clean(item))
            elif key == "#text":
                element.text = _clean(item)
            else:
                for one in (item or [""]) if isinstance(item, list) else [item]:
                    _fill(SubElement(element, _tag(key)), one)
    elif isinstance(value, list):
        for one in value:
            _fill(SubElement(element, "item"), one)
    else:
        element.text = _clean(value)


def _tag(name: str) -> str:
    word = re.sub(r"[^\w.-]", "_", name) or "item"
    return word if word[0].isalpha() or word[0] == "_" else f"_{word}"


def _clean(value: Any) -> str:
    """XML 1.0 knows no control characters."""
    return re.sub(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", _shown(value))


_TREES: dict[str, Callable[[Any, Options], tuple[str, list[str]]]] = {
    "json": _json,
    "yaml": _yaml,
    "toml": _toml,
    "xml": _xml,
}
_TABLES: dict[str, Callable[[Rows, Path, Options], None]] = {
    "csv": lambda rows, path, options: _delimited(rows, path, options.delimiter),
    "tsv": lambda rows, path, options: _delimited(rows, path, "\t"),
    "psv": lambda rows, path, options: _delimited(rows, path, "|"),
    "jsonl": _jsonl,
    "html": _html,
    "md": _md,
}
