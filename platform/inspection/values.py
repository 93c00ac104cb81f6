"""The values of a table or tree in a form that every format gives alike, to compare them by."""

from __future__ import annotations

import datetime as dt
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

MOST_VALUES = 20_000  # distinct ones, the first of the file
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?([eE][+-]?\d{1,3})?")


def canonical(value: Any) -> str:
    """`1.50`, `1.5` and 1.5 are one value, `007` and 7 are two; text without its spacing."""
    if isinstance(value, bool):
        return str(value).casefold()
    if isinstance(value, int | float | Decimal):
        return _number(str(value))
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    text = " ".join(str(value).split())
    if text.casefold() in ("true", "false"):
        return text.casefold()
    return _number(text) if _PLAIN_NUMBER.fullmatch(text) else text


def _number(text: str) -> str:
    made = Decimal(text)
    return str(made) if not made.is_finite() else format(made.normalize() + 0, "f")


def leaves(value: Any) -> Iterator[Any]:
    """Scalars of a tree in their order, without keys; JSON inside a cell is a tree as well."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            pending += [*one.values()][::-1]
        elif isinstance(one, list | tuple):
            pending += one[::-1]
        elif isinstance(one, str) and one[:1] in ("{", "["):
            inner = _inner(one)
            if isinstance(inner, dict | list):
                pending.append(inner)
            else:
                yield one
        elif one is not None and one != "":
            yield one


def _inner(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def marks_of(scalars: Iterable[Any]) -> list[int]:
    """A short mark of each distinct value."""
    found: dict[int, None] = {}
    for one in scalars:
        text = canonical(one)
        if text:
            found.setdefault(zlib.crc32(text.encode("utf-8", "surrogatepass")))
        if len(found) >= MOST_VALUES:
            break
    return list(found)
