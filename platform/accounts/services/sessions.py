"""Logins: opened by whichever door, refreshed, listed, ended."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import tokens
from accounts.errors import RefreshReused
from accounts.models import RefreshSession, User
from accounts.terms import Origin
from core.errors import NotFound
from core.tenancy import in_public


@dataclass(frozen=True)
class TokenPair:
    """What a login gives."""

    access: str
    refresh: str
    expires_in: int  # seconds


def open_login(
    *, user: User, has_mfa: bool, origin: Origin, browser_key: str = ""
) -> RefreshSession:
    """The row of a new login. ``browser_key``: the Django session that carries it."""
    now = timezone.now()
    session = RefreshSession.objects.create(
        user=user,
        expires_at=now + tokens.REFRESH_LIFETIME,
        mfa_at=now if has_mfa else None,
        address=clean_ip(origin.address),
        agent=origin.agent,
        browser_key=browser_key,
    )
    user.last_login = now
    user.save(update_fields=["last_login"])
    return session


def open_session(
    *, user: User, tenant_slug: str | None, has_mfa: bool, origin: Origin
) -> TokenPair:
    """A new login by tokens."""
    return pair(open_login(user=user, has_mfa=has_mfa, origin=origin), tenant_slug)


def clean_ip(address: str) -> str | None:
    """An address that the database takes, else nothing."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None


def pair(session: RefreshSession, tenant_slug: str | None) -> TokenPair:
    """Tokens of a session's current generation."""
    mfa = session.mfa_at is not None
    return TokenPair(
        tokens.access_token(session.user_id, tenant_slug, session.id, mfa=mfa),
        tokens.refresh_token(session.user_id, session.id, session.generation, tenant_slug),
        int(tokens.ACCESS_LIFETIME.total_seconds()),
    )


def refresh_session(*, refresh: str) -> TokenPair:
    """The next pair. A token used twice ends its session (RefreshReused)."""
    claims = tokens.decode(refresh, "refresh")
    generation, now = int(str(claims["gen"])), timezone.now()
    with in_public():
        # Conditions of this row alone: a join becomes a subquery, which PostgreSQL does not look at
        # again after waiting for the row, so that two callers at once would both move it.
        moved = RefreshSession.objects.filter(
            pk=claims["sid"], generation=generation, revoked_at__isnull=True, expires_at__gt=now
        ).update(
            generation=F("generation") + 1,
            refreshed_at=now,
            expires_at=now + tokens.REFRESH_LIFETIME,
        )
        session = RefreshSession.objects.filter(pk=claims["sid"], user__is_active=True).first()
        if not moved or session is None:
            end_session(session_id=str(claims["sid"]))
            raise RefreshReused("Log in again.")
    tenant = claims.get("tenant")
    return pair(session, str(tenant) if tenant else None)


def log_out(*, refresh: str) -> None:
    """Revoke the login of a refresh token."""
    end_session(session_id=str(tokens.decode(refresh, "refresh")["sid"]))


def end_session(*, session_id: str) -> None:
    """Revoke a login. Idempotent."""
    revoke(RefreshSession.objects.filter(pk=session_id).values_list("pk", flat=True))


def end_own_session(*, user_id: str, session_id: str) -> None:
    """Revoke a login of one's own. Raises NotFound."""
    own = RefreshSession.objects.filter(pk=session_id, user_id=user_id)
    if not own.exists():
        raise NotFound("There is no such session.")
    revoke(own.values_list("pk", flat=True))


def end_sessions(*, user_id: str, keep: str | None = None) -> None:
    """Revoke every login of a person but one."""
    rows = RefreshSession.objects.filter(user_id=user_id).exclude(pk=keep or "")
    revoke(rows.values_list("pk", flat=True))


@transaction.atomic
def revoke(ids: object) -> None:
    """Revoke logins, and the browser sessions that carry them."""
    with in_public():
        rows = RefreshSession.objects.filter(pk__in=list(ids), revoked_at__isnull=True)  # type: ignore[call-overload]
        keys = [key for key in rows.values_list("browser_key", flat=True) if key]
        rows.update(revoked_at=timezone.now())
        Session.objects.filter(session_key__in=keys).delete()
