"""Shapes of registration, login and keys."""

from __future__ import annotations

from datetime import datetime

from ninja import Field, Schema

from accounts.schemas import LONGEST, UserOut


class RegisterIn(Schema):
    """A new person and their first tenant."""

    email: str = Field(..., max_length=254)
    password: str = Field(..., max_length=LONGEST)
    username: str | None = Field(None, max_length=150, pattern=r"^[\w.@+-]+$")
    full_name: str = Field("", max_length=200)
    tenant_name: str | None = Field(None, max_length=200)


class TenantOut(Schema):
    """A tenant of the caller."""

    id: str
    slug: str
    name: str
    role: str
    plan: str
    status: str  # active, suspended, deleting


class RegisterOut(UserOut):
    """The person, with the tenant that was made."""

    tenants: list[TenantOut]


class LoginIn(Schema):
    """User name or e-mail address, and password."""

    username: str = Field(..., max_length=254)
    password: str = Field(..., max_length=LONGEST)
    otp: str | None = Field(None, max_length=20)


class LoginOut(Schema):
    """Tokens, the person, their tenants."""

    access: str
    refresh: str
    token_type: str = "Bearer"  # noqa: S105 - a word of RFC 6750
    expires_in: int
    user: UserOut
    tenants: list[TenantOut]


class BrowserLoginOut(Schema):
    """The person, their tenants, and what the header ``X-CSRFToken`` of unsafe calls says."""

    user: UserOut
    tenants: list[TenantOut]
    csrf_token: str


class ProviderOut(Schema):
    """An OpenID provider; start at ``oidc/{name}/start/``."""

    name: str
    label: str


class ProviderListOut(Schema):
    """Every provider that is configured."""

    items: list[ProviderOut]


class ArrivalIn(Schema):
    """What the callback gave, and a code of the second factor."""

    ticket: str = Field(..., max_length=100)
    otp: str = Field(..., min_length=1, max_length=20)


class KeyIn(Schema):
    """A new API key."""

    name: str = Field(..., min_length=1, max_length=100)
    scopes: list[str] | None = Field(None, max_length=40)
    expires_at: datetime | None = None
    test: bool = False


class KeyOut(Schema):
    """A key, without its secret."""

    id: str
    name: str
    prefix: str
    scopes: list[str]
    test: bool
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class NewKeyOut(KeyOut):
    """A key with its secret, this once."""

    key: str


class KeyListOut(Schema):
    """A page of keys."""

    items: list[KeyOut]
    next: str | None
    previous: str | None
