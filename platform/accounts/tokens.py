"""JWT access and refresh tokens, and signed links in mails. Pure: no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt
from django.core import signing

from core.env import env
from core.errors import InvalidCredentials, TokenExpired, invalid

ALGORITHM = "HS256"
ACCESS_LIFETIME = timedelta(minutes=30)
REFRESH_LIFETIME = timedelta(days=14)
MAIL_LIFETIME = timedelta(days=3)


@dataclass(frozen=True)
class AccessClaims:
    """What an access token says."""

    user_id: str
    tenant_slug: str | None
    session_id: str
    has_mfa: bool = False  # a second factor was proven in this login


def encode(kind: str, lifetime: timedelta, **claims: object) -> str:
    """A signed token of a kind."""
    now = datetime.now(UTC)
    body = {"typ": kind, "iat": now, "exp": now + lifetime, "iss": "filemill", **claims}
    return jwt.encode(body, env().site.secret_key.get_secret_value(), algorithm=ALGORITHM)


def decode(token: str, kind: str) -> dict[str, object]:
    """The claims; raises TokenExpired or InvalidCredentials."""
    try:
        claims: dict[str, object] = jwt.decode(
            token,
            env().site.secret_key.get_secret_value(),
            algorithms=[ALGORITHM],
            issuer="filemill",
            options={"require": ["exp", "sub", "typ"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise TokenExpired("Log in again, or use the refresh token.") from error
    except jwt.InvalidTokenError as error:
        raise InvalidCredentials("This token is not one of ours.") from error
    if claims["typ"] != kind:
        raise InvalidCredentials(f"This is not an {kind} token.")
    return claims


def access_token(
    user_id: str, tenant_slug: str | None, session_id: str, *, has_mfa: bool = False
) -> str:
    """A short-lived token that names the person and the default tenant."""
    return encode(
        "access", ACCESS_LIFETIME, sub=user_id, tenant=tenant_slug, sid=session_id, mfa=has_mfa
    )


def read_access(token: str) -> AccessClaims:
    """Claims of an access token."""
    claims = decode(token, "access")
    tenant = claims.get("tenant")
    return AccessClaims(
        str(claims["sub"]),
        str(tenant) if tenant else None,
        str(claims.get("sid", "")),
        claims.get("mfa") is True,
    )


def refresh_token(
    user_id: str,
    session_id: str,
    generation: int,
    tenant_slug: str | None,
    *,
    has_mfa: bool = False,
) -> str:
    """A token that buys the next pair, once."""
    return encode(
        "refresh",
        REFRESH_LIFETIME,
        sub=user_id,
        sid=session_id,
        gen=generation,
        tenant=tenant_slug,
        mfa=has_mfa,
    )


def mail_token(purpose: str, user_id: str, state: str) -> str:
    """A signed token for a link in a mail; ``state`` makes it worthless once used."""
    return signing.dumps([user_id, state], salt=f"filemill.mail.{purpose}")


def read_mail_token(purpose: str, token: str) -> tuple[str, str]:
    """User id and state; raises ValidationFailed."""
    try:
        user_id, state = signing.loads(
            token, salt=f"filemill.mail.{purpose}", max_age=MAIL_LIFETIME
        )
    except (signing.BadSignature, ValueError) as error:
        raise invalid("token", "This link is not valid any more. Ask for a new one.") from error
    return str(user_id), str(state)
