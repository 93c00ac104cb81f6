"""Shapes of registration, login and keys."""

from __future__ import annotations

from datetime import datetime

from ninja import Field, Schema

from accounts.schemas import LONGEST, UserOut
from core.moments import Moment


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
    expires_at: Moment | None = None
    test: bool = False
    retention_hours: int | None = Field(None, ge=1, le=8760)
    allowed_ips: list[str] = Field(default_factory=list, max_length=50)


class KeyPatch(Schema):
    """What may change of a key; fields that are not sent stay."""

    name: str = Field("", min_length=1, max_length=100)
    scopes: list[str] = Field(default_factory=list, min_length=1, max_length=40)
    expires_at: Moment | None = None
    retention_hours: int | None = Field(None, ge=1, le=8760)
    allowed_ips: list[str] | None = Field(None, max_length=50)


class RotateIn(Schema):
    """How long the old key lives on; 0 ends it at once."""

    overlap_seconds: int = Field(0, ge=0, le=2_592_000)


class KeyOut(Schema):
    """A key, without its secret."""

    id: str
    name: str
    prefix: str
    scopes: list[str]
    test: bool
    allowed_ips: list[str]
    retention_hours: int | None
    created_by: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    replaced_by: str | None


class NewKeyOut(KeyOut):
    """A key with its secret, this once."""

    key: str
    replaces: str | None = None
    replaced_expires_at: datetime | None = None


class KeyListOut(Schema):
    """A page of keys."""

    items: list[KeyOut]
    next: str | None
    previous: str | None


class UsageDayOut(Schema):
    """Requests of a key on one day (UTC); errors are answers of 400 and above."""

    date: str
    requests: int
    errors: int


class UsageOut(Schema):
    """Requests of a key, day by day, oldest first."""

    key_id: str
    days: int
    requests: int
    errors: int
    last_used_at: datetime | None
    items: list[UsageDayOut]


class LeakIn(Schema):
    """A key that was seen in public, and where; the fields of a secret scanner's report."""

    token: str = Field(..., max_length=500)
    type: str = Field("", max_length=100)
    url: str = Field("", max_length=2000)
    source: str = Field("", max_length=100)


class LeakOut(Schema):
    """Whether it was a key of ours (then it is revoked now)."""

    token_type: str
    label: str  # true_positive or false_positive


class LeakListOut(Schema):
    """One answer for each report, in their order."""

    items: list[LeakOut]


class SettingsOut(Schema):
    """A tenant, as its people see it."""

    id: str
    slug: str
    name: str
    host: str
    plan: str
    status: str  # active, suspended, deleting
    branding: dict[str, str]
    retention_hours: int | None
    require_mfa: bool
    allowed_formats: list[str] | None
    created_at: datetime
    purge_at: datetime | None  # deleted for good then


class SettingsPatch(Schema):
    """What may change; fields that are not sent stay."""

    name: str = Field("", min_length=1, max_length=200)
    branding: dict[str, str] = Field(default_factory=dict)
    retention_hours: int | None = Field(None, ge=1, le=8760)
    require_mfa: bool = False
    allowed_formats: list[str] | None = Field(None, max_length=500)


class DeleteIn(Schema):
    """The tenant's name, to be sure."""

    name: str = Field(..., max_length=200)


class MemberOut(Schema):
    """A member."""

    id: str
    user_id: str
    username: str
    email: str
    full_name: str
    mfa_enabled: bool
    role: str
    role_id: str
    created_at: datetime


class MemberPatch(Schema):
    """Another role, by name or id."""

    role: str = Field(..., min_length=1, max_length=40)


class MemberListOut(Schema):
    """A page of members."""

    items: list[MemberOut]
    next: str | None
    previous: str | None


class TransferIn(Schema):
    """Who shall own the tenant."""

    member_id: str = Field(..., max_length=40)


class InvitationIn(Schema):
    """Whom to invite, as what."""

    email: str = Field(..., max_length=254)
    role: str = Field("member", min_length=1, max_length=40)


class InvitationOut(Schema):
    """An invitation; its token is in the mail alone."""

    id: str
    email: str
    role: str
    status: str  # pending, accepted, revoked, expired
    invited_by: str | None
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None


class InvitationListOut(Schema):
    """A page of invitations."""

    items: list[InvitationOut]
    next: str | None
    previous: str | None


class AcceptIn(Schema):
    """The mail's token; who has no account chooses a password with it."""

    token: str = Field(..., max_length=1000)
    password: str | None = Field(None, max_length=1024)
    username: str | None = Field(None, max_length=150, pattern=r"^[\w.@+-]+$")
    full_name: str = Field("", max_length=200)


class AcceptOut(Schema):
    """The tenant that was joined, and by whom."""

    member_id: str
    role: str
    tenant: TenantOut
    user: UserOut


class RoleIn(Schema):
    """A role of the tenant's own."""

    name: str = Field(..., min_length=1, max_length=40)
    permissions: list[str] = Field(..., max_length=40)
    description: str = Field("", max_length=200)


class RolePatch(Schema):
    """What may change; fields that are not sent stay."""

    name: str | None = Field(None, min_length=1, max_length=40)
    permissions: list[str] | None = Field(None, max_length=40)
    description: str | None = Field(None, max_length=200)


class RoleOut(Schema):
    """A role, and how many members have it."""

    id: str
    name: str
    description: str
    permissions: list[str]
    builtin: bool
    members: int
    created_at: datetime


class RoleListOut(Schema):
    """A page of roles."""

    items: list[RoleOut]
    next: str | None
    previous: str | None


class PermissionOut(Schema):
    """A word of the vocabulary."""

    code: str
    description: str
    held: bool


class PermissionListOut(Schema):
    """The vocabulary that roles and keys share."""

    items: list[PermissionOut]
    next: str | None = None
    previous: str | None = None


class MemberStatsOut(Schema):
    """Members by the name of their role."""

    total: int
    by_role: dict[str, int]


class TenantStatsOut(Schema):
    """Counts of a tenant's team."""

    members: MemberStatsOut
    invitations: dict[str, int]
    keys: dict[str, int]
    requests: dict[str, int]
