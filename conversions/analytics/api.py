"""`/conversions/analytics/`."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from conversions import sums
from core.access import principal_of, requires

router = Router(tags=["Analytics"])


class AnalyticsQuery(Schema):
    """Which days, in which groups."""

    from_: date | None = Field(None, alias="from", description="First day (UTC); 30 days ago.")
    to: date | None = Field(None, description="Last day, included; today.")
    group_by: Literal["day", "format", "engine", "key"] = "day"
    test: bool | None = Field(None, description="Of test keys; without it as the caller's key is.")


class SumsOut(Schema):
    """Jobs that ended."""

    total: int
    completed: int
    failed: int
    canceled: int
    units: int
    input_bytes: int
    output_bytes: int
    average_seconds: float | None


class GroupOut(SumsOut):
    """One day, pair of formats, engine or key."""

    key: str


class AnalyticsOut(Schema):
    """Sums of the wanted days."""

    from_: date = Field(alias="from")
    to: date
    group_by: str
    test: bool
    items: list[GroupOut]
    totals: SumsOut


@router.get("/analytics/", response=AnalyticsOut, by_alias=True)
@requires("conversions:read")
def analytics(request: HttpRequest, query: Query[AnalyticsQuery]) -> dict[str, Any]:
    """Jobs that ended, by day, pair of formats, engine or key; from daily sums."""
    is_test = principal_of(request).is_test if query.test is None else query.test
    return sums.report(first=query.from_, last=query.to, group_by=query.group_by, is_test=is_test)
