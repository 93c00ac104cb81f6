"""Figures of the whole platform. Every number is counted from rows; nothing is estimated."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

import accounts.census as people
import billing.queries as billing
import dispatch.queries as dispatch
import tenants.census as tenants
from core.errors import invalid
from dispatch import recovery
from staff.models import Mailing
from tenants.queries import profile_by_slug, profile_of_schema

MOST_DAYS = 731  # in one answer


def platform_stats() -> dict[str, Any]:
    """Tenants, people, keys and this month's conversions of live keys."""
    return {
        "tenants": tenants.tenant_counts(),
        "users": people.user_counts(),
        "keys": tenants.key_counts(),
        "conversions": {"this_month": billing.conversions_this_month()},
        "queue": {"waiting": dispatch.depths()},
    }


def period(first: date | None, last: date | None) -> tuple[date, date]:
    """The days asked for, the last 30 by default. Raises ValidationFailed."""
    end = last or timezone.now().date()
    start = first or end - timedelta(days=29)
    if start > end:
        raise invalid("from", "This is after `to`.")
    if (end - start).days >= MOST_DAYS:
        raise invalid("from", f"At most {MOST_DAYS} days.")
    return start, end


def trend(first: date, last: date, **series: dict[date, int]) -> dict[str, Any]:
    """Each day with a number for each series, and the sums."""
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    return {
        "from": first,
        "to": last,
        "items": [
            {"date": day, **{name: found.get(day, 0) for name, found in series.items()}}
            for day in days
        ],
        "total": {name: sum(found.get(day, 0) for day in days) for name, found in series.items()},
    }


def registrations(first: date | None, last: date | None) -> dict[str, Any]:
    """New people and tenants, day by day (UTC)."""
    start, end = period(first, last)
    return trend(
        start,
        end,
        users=people.registered_by_day(start, end),
        tenants=tenants.created_by_day(start, end),
    )


def conversions(first: date | None, last: date | None) -> dict[str, Any]:
    """Conversions of live keys and people, by the day they were accepted (UTC)."""
    start, end = period(first, last)
    found = billing.reservations_by_day(start, end)
    return trend(start, end, **found)


def letters(task: str | None, tenant: str | None) -> Any:
    """Dead letters, by task and by a tenant's slug."""
    rows = recovery.letters()
    if task:
        rows = rows.filter(task=task)
    if tenant:
        profile = profile_by_slug(tenant)
        rows = rows.filter(lane_id=profile.schema_name if profile else "")
    return rows


def letter_body(row: Any) -> dict[str, Any]:
    """A dead letter as JSON."""
    profile = profile_of_schema(row.lane_id)
    return {
        "id": row.id,
        "task": row.task,
        "ref": row.ref,
        "tenant": profile.slug if profile else None,
        "queue": row.queue,
        "attempts": row.attempts,
        "lost": row.lost,
        "reason": row.reason,
        "created_at": row.created_at,
        "given_up_at": row.finished_at or row.lost_at,
    }


def mailings() -> Any:
    """Every mailing with its counts."""
    sent = Q(recipients__sent_at__isnull=False)
    return Mailing.objects.annotate(
        recipient_count=Count("recipients"), sent_count=Count("recipients", filter=sent)
    )


def mailing_body(row: Any) -> dict[str, Any]:
    """A mailing as JSON."""
    return {
        "id": row.id,
        "subject": row.subject,
        "recipients": row.recipient_count,
        "sent": row.sent_count,
        "filter": row.filter,
        "created_by": row.created_by_id,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
    }
