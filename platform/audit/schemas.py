"""Shapes of the trail and of the activity log."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from ninja import Field, Schema

from core.moments import Moment
from core.pagination import PageQuery


class TrailQuery(Schema):
    """Filters; ``action=member.*`` takes all of a noun. ``from`` is included, ``to`` is not."""

    actor: str | None = Field(None, max_length=40)
    action: str | None = Field(None, max_length=64)
    target: str | None = Field(None, max_length=200)
    since: Moment | None = Field(None, alias="from")
    until: Moment | None = Field(None, alias="to")


class TrailPageQuery(TrailQuery, PageQuery):
    """Filters and a page."""


class ExportQuery(TrailQuery):
    """Filters and the form of the file."""

    form: Literal["csv", "json"] = Field("csv", alias="format")


class EntryOut(Schema):
    """One critical change, with its seal and the seal before it."""

    id: str
    sequence: int
    action: str
    actor: str | None
    api_key_id: str | None
    target: str
    changes: dict[str, Any]
    ip: str
    request_id: str
    created_at: datetime
    previous: str
    seal: str


class EntryListOut(Schema):
    """A page of the trail."""

    items: list[EntryOut]
    next: str | None
    previous: str | None


class BrokenOut(Schema):
    """A place where the chain does not hold; ``id`` is null where an entry is gone."""

    sequence: int
    id: str | None
    reason: Literal["altered", "missing", "moved", "cut_off"]


class VerdictOut(Schema):
    """The chain's check."""

    ok: bool
    checked: int
    broken: list[BrokenOut]


class ActivityOut(Schema):
    """One call; ``status`` is null while it runs or when its process died."""

    id: str
    action: str
    route: str
    target: str
    status: int | None
    actor: str
    api_key_id: str | None
    ip: str
    user_agent: str
    request_id: str
    created_at: datetime


class ActivityListOut(Schema):
    """A page of activity."""

    items: list[ActivityOut]
    next: str | None
    previous: str | None
