"""Shapes of the account routes."""

from __future__ import annotations

from datetime import datetime

from ninja import Field, Schema


class UserOut(Schema):
    """A person, as themselves see it."""

    id: str
    username: str
    email: str
    full_name: str
    email_verified: bool
    created_at: datetime


class TokenIn(Schema):
    """A token from a mail."""

    token: str = Field(..., max_length=1000)


class TotpOut(Schema):
    """What an authenticator app needs."""

    secret: str
    otpauth_url: str
    qr_svg: str


class CodeIn(Schema):
    """A code of the authenticator app."""

    code: str = Field(..., max_length=20)


class RecoveryCodesOut(Schema):
    """Recovery codes, shown once."""

    recovery_codes: list[str]


class RefreshIn(Schema):
    """A refresh token."""

    refresh: str = Field(..., max_length=2000)


class TokensOut(Schema):
    """A fresh pair."""

    access: str
    refresh: str
    token_type: str = "Bearer"  # noqa: S105 - a word of RFC 6750
    expires_in: int
