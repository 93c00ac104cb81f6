"""Reads over all people, for the platform's staff alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from accounts.models import User
from accounts.queries import with_second_factor


def user_counts() -> dict[str, int]:
    """All; with a proven address; seen within 30 days; kept out; of the staff."""
    month = timezone.now() - timedelta(days=30)
    found: dict[str, int] = User.objects.aggregate(
        total=Count("id"),
        verified=Count("id", filter=Q(email_verified_at__isnull=False)),
        active_30_days=Count("id", filter=Q(last_login__gte=month)),
        disabled=Count("id", filter=Q(is_active=False)),
        staff=Count("id", filter=Q(is_staff=True)),
    )
    return found


def registered_by_day(first: date, last: date) -> dict[date, int]:
    """New people of each day (UTC) that had some."""
    rows = User.objects.filter(date_joined__date__gte=first, date_joined__date__lte=last)
    days = rows.annotate(day=TruncDate("date_joined")).values("day").annotate(n=Count("id"))
    return dict(days.values_list("day", "n"))


def users_for_staff(filters: dict[str, Any]) -> QuerySet[User]:
    """People. Filters: q, active, staff; None filters nothing."""
    rows = User.objects.all()
    if filters.get("q"):
        text = str(filters["q"])
        rows = rows.filter(
            Q(username__icontains=text) | Q(email__icontains=text) | Q(full_name__icontains=text)
        )
    if filters.get("active") is not None:
        rows = rows.filter(is_active=filters["active"])
    if filters.get("staff") is not None:
        rows = rows.filter(is_staff=filters["staff"])
    return rows


def staff_bodies(rows: Sequence[User]) -> list[dict[str, Any]]:
    """People as staff sees them; one more query for their second factors."""
    proven = with_second_factor([user.id for user in rows])
    return [
        {
            "id": user.id,
            "username": user.username,
            "email": user.email,
            "full_name": user.full_name,
            "email_verified": user.is_verified,
            "is_active": user.is_active,
            "is_staff": user.is_staff,
            "mfa_enabled": user.id in proven,
            "last_login": user.last_login,
            "created_at": user.date_joined,
        }
        for user in rows
    ]
