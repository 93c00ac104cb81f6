"""Reads about people."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import RefreshSession, User


def active_user(user_id: str) -> User | None:
    """The person, unless deactivated."""
    return User.objects.filter(pk=user_id, is_active=True).first()


@dataclass(frozen=True)
class SessionUser:
    """Who is behind an open login."""

    user_id: str
    is_staff: bool


def session_user(session_id: str) -> SessionUser | None:
    """The person of a login that was not revoked, unless deactivated. One query."""
    row = (
        RefreshSession.objects.filter(pk=session_id, revoked_at__isnull=True, user__is_active=True)
        .values_list("user_id", "user__is_staff")
        .first()
    )
    return SessionUser(*row) if row else None


def with_second_factor(user_ids: Collection[str]) -> set[str]:
    """Those who have a second factor in force."""
    devices = TOTPDevice.objects.filter(user_id__in=user_ids, confirmed=True)
    return set(devices.values_list("user_id", flat=True))


def user_id_of(username: str) -> str | None:
    """The id behind a user name."""
    return User.objects.filter(username__iexact=username).values_list("pk", flat=True).first()


def user_body(user: User) -> dict[str, Any]:
    """A person as JSON."""
    return {
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "full_name": user.full_name,
        "email_verified": user.is_verified,
        "created_at": user.date_joined,
    }
