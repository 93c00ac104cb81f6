"""Reads about people."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet, Value
from django.db.models.functions import Lower
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import DataExport, ExportState, ExternalIdentity, RefreshSession, User
from accounts.terms import AVATAR_SIZES


@dataclass(frozen=True)
class SessionUser:
    """Who is behind an open login."""

    session_id: str
    user_id: str
    is_staff: bool
    has_mfa: bool  # this login proved a second factor


def active_user(user_id: str) -> User | None:
    """The person, unless deactivated."""
    return User.objects.filter(pk=user_id, is_active=True).first()


def session_user(session_id: str) -> SessionUser | None:
    """The person of a login that was not ended, unless deactivated. One query."""
    row = (
        RefreshSession.objects.filter(
            pk=session_id,
            revoked_at__isnull=True,
            expires_at__gt=timezone.now(),
            user__is_active=True,
        )
        .values_list("user_id", "user__is_staff", "mfa_at")
        .first()
    )
    return SessionUser(session_id, row[0], row[1], row[2] is not None) if row else None


def with_second_factor(user_ids: Collection[str]) -> set[str]:
    """Those who have a second factor in force."""
    devices = TOTPDevice.objects.filter(user_id__in=user_ids, confirmed=True)
    return set(devices.values_list("user_id", flat=True))


def named(username: str) -> QuerySet[User]:
    """Who has this user name, compared as the constraint compares: ı is no i, ſ no s."""
    return User.objects.alias(key=Lower("username")).filter(key=Lower(Value(username)))


def user_id_of(username: str) -> str | None:
    """The id behind a user name."""
    return named(username).values_list("pk", flat=True).first()


def of_address(address: str) -> QuerySet[User]:
    """Everybody who claims an address: who has proven it first, then the oldest claim."""
    claims = User.objects.alias(key=Lower("email")).filter(
        key=address.strip().lower(), is_active=True
    )
    return claims.order_by("email_verified_at", "date_joined")  # NULL sorts last


def verified_owner(address: str) -> User | None:
    """Who has proven this address."""
    return of_address(address).filter(email_verified_at__isnull=False).first()


def sessions_of(user_id: str) -> QuerySet[RefreshSession]:
    """Open logins of a person, newest first."""
    return RefreshSession.objects.filter(
        user_id=user_id, revoked_at__isnull=True, expires_at__gt=timezone.now()
    ).order_by("-id")


def identities_of(user_id: str) -> QuerySet[ExternalIdentity]:
    """Where else a person logs in."""
    return ExternalIdentity.objects.filter(user_id=user_id).order_by("created_at")


def newest_export(user_id: str) -> DataExport | None:
    """The export that is being made or can be fetched."""
    exports = DataExport.objects.filter(user_id=user_id).exclude(state=ExportState.EXPIRED)
    return exports.order_by("-id").first()


def user_body(user: User) -> dict[str, Any]:
    """A person as JSON."""
    return {
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "full_name": user.full_name,
        "email_verified": user.is_verified,
        "pending_email": user.pending_email or None,
        "locale": user.locale,
        "timezone": user.timezone,
        "avatar": avatar_body(user),
        "is_staff": user.is_staff,
        "created_at": user.date_joined,
    }


def avatar_body(user: User) -> dict[str, str] | None:
    """Where each size of the picture lies; the address is the secret."""
    if not user.avatar:
        return None
    return {str(size): f"/api/v1/auth/avatars/{user.avatar}/{size}/" for size in AVATAR_SIZES}


def session_body(session: RefreshSession, current: str | None) -> dict[str, Any]:
    """A login as JSON."""
    return {
        "id": session.id,
        "kind": "browser" if session.browser_key else "token",
        "address": session.address,
        "agent": session.agent,
        "second_factor": session.mfa_at is not None,
        "current": session.id == current,
        "created_at": session.created_at,
        "refreshed_at": session.refreshed_at,
        "expires_at": session.expires_at,
    }
