"""Rows as a file: streamed in chunks, for a trail may be long."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import orjson
from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from core.tenancy import in_tenant, require_tenant

CHUNK = 1000
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run these (OWASP, CSV injection)
Body = Callable[[Any], dict[str, Any]]


def send_rows(rows: QuerySet[Any], body: Body, form: str, name: str) -> StreamingHttpResponse:
    """An attachment of every row, oldest first, as ``csv`` or ``json``.

    The first rows are asked for here: a query that can't be answered is a problem, no empty file.
    """
    write, media_type = (as_csv, "text/csv") if form == "csv" else (as_json, "application/json")
    pieces = write(bodies(rows, body, require_tenant()))
    begun = chain([next(pieces, b"")], pieces)
    response = StreamingHttpResponse(begun, content_type=f"{media_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return response


def bodies(rows: QuerySet[Any], body: Body, schema_name: str) -> Iterator[dict[str, Any]]:
    """Each row's body. The stream outlives the middleware, so each chunk enters the tenant."""
    last_id = ""
    while True:
        with in_tenant(schema_name):
            chunk = list(rows.filter(id__gt=last_id).order_by("id")[:CHUNK])
        yield from map(body, chunk)
        if len(chunk) < CHUNK:
            return
        last_id = chunk[-1].pk


def as_json(found: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """One array, a line for each."""
    separator = b"[\n"
    for item in found:
        yield separator + orjson.dumps(item, option=orjson.OPT_UTC_Z)
        separator = b",\n"
    yield b"[]\n" if separator == b"[\n" else b"\n]\n"


def as_csv(found: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """A line of names, then the rows; objects as JSON; what looks like a formula as text."""
    is_first = True
    for item in found:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(item))
        if is_first:
            writer.writeheader()
            is_first = False
        writer.writerow({name: cell(value) for name, value in item.items()})
        yield text.getvalue().encode()


def cell(value: Any) -> str:
    """One cell."""
    if value is None:
        return ""
    text = (
        value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_UTC_Z).decode()
    )
    text = text.strip('"') if hasattr(value, "isoformat") else text
    return f"'{text}" if text.startswith(FORMULA) else text
