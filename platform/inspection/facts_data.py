"""Facts about data files and mail: rows, columns, keys, subjects, attachments."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from inspection.cells import of_records
from inspection.codepages import decoded, know_windows_names
from inspection.facts_markup import text_of_html
from inspection.text import decode_head, find_encoding, undeclared
from inspection.values import leaves, marks_of
from inspection.words import digest, digest_of_values

_MOST = 128 << 20


def of_data(path: Path, code: str) -> dict[str, Any]:
    """{rows or items, columns, words…} of YAML, TOML, JSON lines and XML."""
    text = decode_head(path, find_encoding(path), _MOST).lstrip("\ufeff")
    if code == "jsonl":
        rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        names = {name for row in rows if isinstance(row, dict) for name in row}
        named = of_records([row for row in rows if isinstance(row, dict)])
        shape = {"rows": len(rows), "columns": len(names), "values": marks_of(leaves(rows))}
        return shape | named | _words(rows)
    value = _parsed(text, code)
    known: dict[str, Any] = {"items": len(value) if isinstance(value, dict | list) else 1}
    known["values"] = marks_of(_xml_values(text) if code == "xml" else leaves(value))
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        known |= {"rows": len(value), **of_records(value)}
    return known | _words(value)


def _parsed(text: str, code: str) -> Any:
    if code == "toml":
        import tomllib  # noqa: PLC0415

        return tomllib.loads(text)
    if code == "yaml":
        import yaml  # noqa: PLC0415

        # The C reader: another one than the Python writer that the engine uses.
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    from defusedxml.ElementTree import fromstring  # noqa: PLC0415

    root = fromstring(undeclared(text).encode("utf-8"))
    return [
        " ".join((_local(one.tag), *map(_local, one.keys()), *one.attrib.values(), one.text or ""))
        + (one.tail or "")
        for one in root.iter()
    ]


def _xml_values(text: str) -> Iterator[str]:
    """Attributes and texts, in their order."""
    from defusedxml.ElementTree import fromstring  # noqa: PLC0415

    for one in fromstring(undeclared(text).encode("utf-8")).iter():
        yield from leaves([*one.attrib.values(), (one.text or "").strip()])


def _local(name: Any) -> str:
    """Without its namespace, which only XML has."""
    return str(name).rpartition("}")[2]


def _words(value: Any) -> dict[str, Any]:
    """Words of keys and values."""
    found: list[str] = []
    pending, left = [value], 2_000_000
    while pending and left:
        one, left = pending.pop(), left - 1
        if isinstance(one, dict):
            pending += [*one.keys(), *one.values()][::-1]
        elif isinstance(one, list):
            pending += one[::-1]
        elif isinstance(one, str):  # numbers, dates and truths are compared as values
            found.append(one)
    return digest_of_values(found)


def of_json(path: Path, code: str) -> dict[str, Any]:
    """The same for JSON, whose counts other readers need as well."""
    from inspection.facts_tables import of_text  # noqa: PLC0415

    known = of_text(path, code)
    value = json.loads(decode_head(path, find_encoding(path), _MOST).lstrip("\ufeff"))
    known["values"] = marks_of(leaves(value))
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        known |= {"rows": len(value), **of_records(value)}
    return known


def parquet_by_hand(path: Path, code: str) -> dict[str, Any]:
    """Rows and columns from the footer (Thrift's compact protocol), without Arrow."""
    data = path.read_bytes()
    if data[:4] != b"PAR1" or data[-4:] != b"PAR1":
        raise ValueError("cut off or no Parquet")
    length = struct.unpack_from("<I", data, len(data) - 8)[0]
    footer = _Thrift(data[len(data) - 8 - length : len(data) - 8]).struct()
    columns = [one for one in footer[2] if 5 not in one]
    places = [group.get(1, []) for group in footer.get(4, [])]
    if any(3 not in chunk for group in places for chunk in group):
        raise ValueError("columns are missing")
    known = {"rows": footer[3], "columns": len(columns)}
    return known | {"values": _parquet_values(path)}


def _parquet_values(path: Path) -> list[int]:
    """By Arrow, which also writes them: nobody else here reads the columns themselves."""
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    pa.set_cpu_count(1)
    file = parquet.ParquetFile(path, pre_buffer=False)
    batches = file.iter_batches(batch_size=1_000, use_threads=False)
    return marks_of(one for batch in batches for row in batch.to_pylist() for one in leaves(row))


class _Thrift:
    """As much of the compact protocol as a Parquet footer uses."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def byte(self) -> int:
        self.place += 1
        return self.data[self.place - 1]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    def number(self) -> int:
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def struct(self) -> dict[int, Any]:
        found: dict[int, Any] = {}
        field = 0
        while head := self.byte():
            field = field + (head >> 4) if head >> 4 else self.number()
            found[field] = self.value(head & 15)
        return found

    def value(self, kind: int) -> Any:
        if kind in (1, 2):
            return kind == 1
        readers: dict[int, Callable[[], Any]] = {
            3: self.byte,
            **dict.fromkeys((4, 5, 6), self.number),
        }
        readers |= {7: lambda: self.bytes(8), 8: lambda: self.bytes(self.varint())}
        readers |= {9: self.many, 10: self.many, 12: self.struct}
        return readers[kind]()

    def bytes(self, length: int) -> Any:
        self.place += length
        return self.data[self.place - length : self.place]

    def many(self) -> list[Any]:
        head = self.byte()
        count = head >> 4 if head >> 4 < 15 else self.varint()
        kind = head & 15
        return [self.byte() == 1 if kind in (1, 2) else self.value(kind) for _ in range(count)]


def of_message(path: Path, code: str) -> dict[str, Any]:
    """{subject, attachments, words…} of an e-mail."""
    if code == "msg":
        return _outlook(path)
    message = message_from_bytes(path.read_bytes()[:_MOST], policy=policy.default)
    if not message.keys() or "from" not in message:
        raise ValueError("no message")
    names = [part.get_filename() or "" for part in message.iter_attachments()]
    texts = [words_of(message.get_body((kind,))) for kind in ("plain", "html")]
    if message.is_multipart() and not message.get_payload():
        raise ValueError("cut off")
    defects = [part.defects for part in message.walk() if part.defects]
    if any("CloseBoundaryNotFound" in type(one).__name__ for found in defects for one in found):
        raise ValueError("cut off")
    subject = str(message["subject"] or "")
    said = [digest(f"{subject}\n{text}") for text in texts if text.strip()] or [digest(subject)]
    known = {"subject": subject, "attachments": len(names), **said[0]}
    return {**known, "other": said[1]} if len(said) > 1 else known


def words_of(part: Any) -> str:
    """What one body says, without the addresses that only its plain form shows."""
    if part is None:
        return ""
    raw = bytes(part.get_payload(decode=True) or b"")
    text = decoded(raw, str(part.get_param("charset") or "us-ascii"))
    return text_of_html(text)[0] if part.get_content_subtype() == "html" else text


def _outlook(path: Path) -> dict[str, Any]:
    from oxmsg import Message  # noqa: PLC0415

    know_windows_names()
    found = Message.load(str(path))
    text = found.body or re.sub(r"<[^>]+>", " ", found.html_body or "")
    subject = (found.subject or "").replace("\x00", "")
    known = {"subject": subject, "attachments": found.attachment_count}
    return {**known, **digest(f"{subject}\n{text}")}
