"""Shapes of the staff routes."""

from __future__ import annotations

import datetime as dt
from typing import Any

from ninja import Field, Schema

from core.pagination import PageQuery


class TenantQuery(PageQuery):
    """Filters of the tenants."""

    q: str | None = Field(None, max_length=200, description="in name, slug or a member's address")
    plan: str | None = Field(None, max_length=30)
    status: str | None = Field(None, pattern="^(active|suspended|deleting)$")


class UserQuery(PageQuery):
    """Filters of the people."""

    q: str | None = Field(None, max_length=200, description="in user name, address or full name")
    active: bool | None = None
    staff: bool | None = None


class StaffTenantOut(Schema):
    """A tenant, as staff sees it."""

    id: str
    slug: str
    name: str
    plan: str
    status: str
    members: int
    suspended_at: dt.datetime | None
    suspended_reason: str
    purge_at: dt.datetime | None
    created_at: dt.datetime


class StaffTenantListOut(Schema):
    """A page of tenants."""

    items: list[StaffTenantOut]
    next: str | None
    previous: str | None


class SuspendIn(Schema):
    """Why; staff alone sees it."""

    reason: str = Field("", max_length=300)


class PlanIn(Schema):
    """The plan; `conversions` a month where it was agreed apart from the plan."""

    plan: str = Field(..., max_length=30)
    conversions: int | None = Field(None, ge=0, le=2_000_000_000)


class LetterQuery(PageQuery):
    """Filters of the dead letters."""

    task: str | None = Field(None, max_length=80)
    tenant: str | None = Field(None, max_length=63, description="its slug")


class LetterOut(Schema):
    """Work that was given up: a job's, a delivery's, a mail's."""

    id: str
    task: str
    ref: str
    tenant: str | None
    queue: str
    attempts: int
    lost: int
    reason: str
    created_at: dt.datetime
    given_up_at: dt.datetime | None


class LetterListOut(Schema):
    """A page of dead letters."""

    items: list[LetterOut]
    next: str | None
    previous: str | None


class StaffUserOut(Schema):
    """A person, as staff sees them."""

    id: str
    username: str
    email: str
    full_name: str
    email_verified: bool
    is_active: bool
    is_staff: bool
    mfa_enabled: bool
    last_login: dt.datetime | None
    created_at: dt.datetime


class StaffUserListOut(Schema):
    """A page of people."""

    items: list[StaffUserOut]
    next: str | None
    previous: str | None


class PlatformStatsOut(Schema):
    """Figures of the whole platform."""

    tenants: dict[str, Any]
    users: dict[str, int]
    keys: dict[str, int]
    conversions: dict[str, dict[str, int]]
    queue: dict[str, dict[str, int]]


class PeriodQuery(Schema):
    """Days in UTC, the last 30 unless said."""

    from_: dt.date | None = Field(None, alias="from")
    to: dt.date | None = None


class RegistrationDayOut(Schema):
    """New people and tenants of a day."""

    date: dt.date
    users: int
    tenants: int


class RegistrationsOut(Schema):
    """Registrations, day by day."""

    from_: dt.date = Field(..., alias="from")
    to: dt.date
    items: list[RegistrationDayOut]
    total: dict[str, int]


class ConversionDayOut(Schema):
    """Conversions of a day: accepted, and how they have ended."""

    date: dt.date
    accepted: int
    completed: int
    not_charged: int
    open: int


class ConversionsOut(Schema):
    """Conversions, day by day."""

    from_: dt.date = Field(..., alias="from")
    to: dt.date
    items: list[ConversionDayOut]
    total: dict[str, int]


class AudienceIn(Schema):
    """Whom: those whom every given filter finds."""

    user_ids: list[str] = Field(default_factory=list, max_length=1000)
    tenant_ids: list[str] = Field(default_factory=list, max_length=1000)
    plans: list[str] = Field(default_factory=list, max_length=20)
    roles: list[str] = Field(default_factory=list, max_length=20)
    everyone: bool = False


class MailIn(Schema):
    """A mail in plain text."""

    subject: str = Field(..., min_length=1, max_length=200)
    body: str = Field(..., min_length=1, max_length=50_000)
    to: AudienceIn


class MailingOut(Schema):
    """A mailing and how far it is."""

    id: str
    subject: str
    recipients: int
    sent: int
    filter: dict[str, Any]
    created_by: str | None
    created_at: dt.datetime
    finished_at: dt.datetime | None


class MailingListOut(Schema):
    """A page of mailings."""

    items: list[MailingOut]
    next: str | None
    previous: str | None
