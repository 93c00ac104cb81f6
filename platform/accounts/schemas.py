"""Shapes of the account routes."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ninja import Field, Schema
from pydantic import AliasChoices

LONGEST = 1024  # characters of a password; its bytes are counted where it is set


class UserOut(Schema):
    """A person, as themselves see it. ``avatar``: size in pixels → address."""

    id: str
    username: str
    email: str
    full_name: str
    email_verified: bool
    pending_email: str | None = None
    locale: str
    timezone: str
    avatar: dict[str, str] | None
    is_staff: bool
    created_at: datetime


class ProfileIn(Schema):
    """What changes; ``email`` once its link is opened."""

    username: str | None = Field(None, min_length=1, max_length=150)
    full_name: str | None = Field(None, max_length=200)
    email: str | None = Field(None, max_length=254)
    locale: str | None = Field(None, max_length=20)
    timezone: str | None = Field(None, max_length=64)


class TokenIn(Schema):
    """A token from a mail."""

    token: str = Field(..., max_length=1000)


class AddressIn(Schema):
    """An e-mail address."""

    email: str = Field(..., max_length=254)


class ResendIn(Schema):
    """An address; without it, the caller's own."""

    email: str | None = Field(None, max_length=254)


class ResetIn(Schema):
    """A token from a mail and the new password."""

    token: str = Field(..., max_length=1000)
    password: str = Field(..., max_length=LONGEST)


class PasswordChangeIn(Schema):
    """The old password and the new one."""

    current_password: str = Field(
        ..., max_length=LONGEST, validation_alias=AliasChoices("current_password", "old_password")
    )
    password: str = Field(
        ..., max_length=LONGEST, validation_alias=AliasChoices("password", "new_password")
    )


class PasswordIn(Schema):
    """The password, once more."""

    password: str = Field(..., max_length=LONGEST)


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


class LoginSessionOut(Schema):
    """A login of one's own."""

    id: str
    kind: Literal["token", "browser"]
    address: str | None
    agent: str
    second_factor: bool
    current: bool
    created_at: datetime
    refreshed_at: datetime | None
    expires_at: datetime


class LoginSessionListOut(Schema):
    """A page of logins."""

    items: list[LoginSessionOut]
    next: str | None
    previous: str | None


class ExportOut(Schema):
    """An export of one's own data. ``download_url`` once it is ready."""

    id: str
    status: Literal["pending", "ready"]
    size: int | None
    download_url: str | None
    created_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None


class WsTicketOut(Schema):
    """A ticket for one WebSocket."""

    ticket: str
    expires_in: int  # seconds
