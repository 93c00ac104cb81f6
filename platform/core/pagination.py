"""Cursor pagination over sortable ids: stable while rows come and go, no OFFSET, no COUNT."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from ninja import Field, Schema

from core.errors import invalid

Row = TypeVar("Row", bound=Model)


class PageQuery(Schema):
    """``?limit=`` (1–200) and ``?cursor=`` of every list."""

    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=200)
    sort: str = Field("-created_at", pattern="^-?created_at$")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of rows and the cursors around it."""

    items: list[Row]
    next: str | None
    previous: str | None


def encode(direction: str, last_id: str) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(f"{direction}:{last_id}".encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[str, str]:
    """Direction (``n`` or ``p``) and id; raises ValidationFailed."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError as error:
        raise invalid("cursor", "This cursor is not one of ours.") from error
    direction, _, last_id = text.partition(":")
    if direction not in ("n", "p") or not last_id.isprintable() or not last_id:
        raise invalid("cursor", "This cursor is not one of ours.")
    return direction, last_id


def paginate(rows: QuerySet[Row], query: PageQuery) -> Page[Row]:
    """A page by id, which sorts like created_at."""
    newest_first = query.sort.startswith("-")
    direction, last_id = decode(query.cursor) if query.cursor else ("n", "")
    backwards = direction == "p"
    descending = newest_first != backwards
    if last_id:
        rows = rows.filter(**{"id__lt" if descending else "id__gt": last_id})
    found = list(rows.order_by("-id" if descending else "id")[: query.limit + 1])
    more, found = len(found) > query.limit, found[: query.limit]
    if backwards:
        found.reverse()
    has_next = backwards or more
    has_previous = more if backwards else bool(last_id)
    return Page(
        found,
        encode("n", str(found[-1].pk)) if found and has_next else None,
        encode("p", str(found[0].pk)) if found and has_previous else None,
    )


def page_body(page: Page[Any], items: list[Any]) -> dict[str, Any]:
    """The list shape of API.md."""
    return {"items": items, "next": page.next, "previous": page.previous}
