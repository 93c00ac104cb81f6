"""JWT access and refresh tokens, and signed links in mails. Pure: no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt
from django.core import signing
from django.utils.crypto import salted_hmac

from core.env import env
from core.errors import InvalidCredentials, TokenExpired, invalid

ALGORITHM = "HS256"
ACCESS_LIFETIME = timedelta(minutes=30)
REFRESH_LIFETIME = timedelta(days=14)
MAIL_LIFETIMES = {
    "verify": timedelta(days=3),
    "address": timedelta(days=3),
    "reset": timedelta(hours=1),
    "export": timedelta(days=7),
}


@dataclass(frozen=True)
class AccessClaims:
    """What an access token says."""

    user_id: str
    tenant_slug: str | None
    session_id: str


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


def access_token(user_id: str, tenant_slug: str | None, session_id: str, *, mfa: bool) -> str:
    """A short-lived token that names the person and the default tenant.

    ``mfa`` is for clients to read: what counts is the row of the session, which may gain it later.
    """
    return encode(
        "access", ACCESS_LIFETIME, sub=user_id, tenant=tenant_slug, sid=session_id, mfa=mfa
    )


def read_access(token: str) -> AccessClaims:
    """Claims of an access token."""
    claims = decode(token, "access")
    tenant = claims.get("tenant")
    return AccessClaims(
        str(claims["sub"]), str(tenant) if tenant else None, str(claims.get("sid", ""))
    )


def refresh_token(user_id: str, session_id: str, generation: int, tenant_slug: str | None) -> str:
    """A token that buys the next pair, once."""
    return encode(
        "refresh", REFRESH_LIFETIME, sub=user_id, sid=session_id, gen=generation, tenant=tenant_slug
    )


def mail_token(purpose: str, subject: str, state: str) -> str:
    """A signed token for a link in a mail; ``state`` makes it worthless once it has changed."""
    return signing.dumps([subject, state], salt=f"filemill.mail.{purpose}")


def read_mail_token(purpose: str, token: str) -> tuple[str, str]:
    """Subject and state; raises ValidationFailed."""
    try:
        subject, state = signing.loads(
            token, salt=f"filemill.mail.{purpose}", max_age=MAIL_LIFETIMES[purpose]
        )
    except (signing.BadSignature, ValueError) as error:
        raise invalid("token", "This link is not valid any more. Ask for a new one.") from error
    return str(subject), str(state)


def reset_state(password_hash: str, address: str) -> str:
    """What a reset link signs: changed with the password or the address, so good once."""
    return salted_hmac("filemill.reset", f"{password_hash}:{address}").hexdigest()[:32]
