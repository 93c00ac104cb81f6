"""Reads of the daily sums: never of the jobs."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db.models import F, Sum, Value
from django.db.models.functions import Concat
from django.utils import timezone

from conversions.models import DaySum
from core.errors import invalid

DAYS = 30  # without a wish
LONGEST_DAYS = 3660
NUMBERS = (
    *("completed", "failed", "canceled", "units", "input_bytes", "output_bytes"),
    "busy_seconds",
)
GROUPS: dict[str, F | Concat] = {
    "day": F("day"),
    "format": Concat("input_format", Value(">"), "output_format"),
    "engine": F("engine"),
    "key": F("api_key_id"),
}


def report(
    *, first: date | None, last: date | None, group_by: str, is_test: bool
) -> dict[str, Any]:
    """{from, to, group_by, test, items, totals}; days are UTC, both ends included."""
    last = last or timezone.now().date()
    first = first or last - timedelta(days=DAYS - 1)
    if not 0 <= (last - first).days <= LONGEST_DAYS:
        raise invalid("from", f"The span has 1 to {LONGEST_DAYS} days.")
    rows = DaySum.objects.filter(day__gte=first, day__lte=last, is_test=is_test)
    grouped = rows.annotate(key=GROUPS[group_by]).values("key").annotate(**sums_of())
    found: list[Any] = list(grouped.order_by("key"))
    items = [{"key": str(row["key"]), **figures(row)} for row in found]
    totals = {f"n_{name}": sum(row[f"n_{name}"] or 0 for row in found) for name in NUMBERS}
    return {
        "from": first,
        "to": last,
        "group_by": group_by,
        "test": is_test,
        "items": [item for item in items if item["total"]],
        "totals": figures(totals),
    }


def sums_of() -> dict[str, Sum]:
    """A sum for each number, under a name that no field has."""
    return {f"n_{name}": Sum(name) for name in NUMBERS}


def figures(row: dict[str, Any]) -> dict[str, Any]:
    """The numbers of one group as the API shows them."""
    plain = {name: row[f"n_{name}"] or 0 for name in NUMBERS}
    busy, completed = plain.pop("busy_seconds"), plain["completed"]
    return {
        **plain,
        "total": completed + plain["failed"] + plain["canceled"],
        "average_seconds": round(busy / completed, 3) if completed else None,
    }
