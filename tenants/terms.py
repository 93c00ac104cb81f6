"""Words of the tenants: roles, scopes, key formats."""

from __future__ import annotations

import re
import zlib
from datetime import timedelta
from enum import StrEnum

from core.access import PERMISSIONS

ALL = frozenset(PERMISSIONS)
DEFAULT_SCOPES = (
    "conversions:read",
    "conversions:write",
    "media:read",
    "media:write",
    "webhooks:read",
    "webhooks:write",
)
WORK = frozenset(DEFAULT_SCOPES) | {"media:share", "notifications:read"}


class RoleName(StrEnum):
    """Built-in roles."""

    OWNER = "owner"
    ADMIN = "admin"
    BILLING = "billing"
    DEVELOPER = "developer"
    MEMBER = "member"
    VIEWER = "viewer"


ROLE_PERMISSIONS: dict[RoleName, frozenset[str]] = {
    RoleName.OWNER: ALL,
    RoleName.ADMIN: ALL - {"billing:write"},
    RoleName.BILLING: frozenset({"billing:read", "billing:write", "notifications:read"}),
    RoleName.DEVELOPER: WORK | {"keys:read", "keys:write"},
    RoleName.MEMBER: WORK - {"webhooks:write"},
    RoleName.VIEWER: frozenset(
        {"conversions:read", "media:read", "webhooks:read", "notifications:read"}
    ),
}

ROLE_WORDS: dict[RoleName, str] = {
    RoleName.OWNER: "Everything, and the tenant itself: hand it over, delete it.",
    RoleName.ADMIN: "Everything but paying.",
    RoleName.BILLING: "Plans, invoices and payments.",
    RoleName.DEVELOPER: "Work with files, webhooks and API keys.",
    RoleName.MEMBER: "Work with files.",
    RoleName.VIEWER: "Look and download.",
}

PERMISSION_WORDS: dict[str, str] = {
    "conversions:read": "See jobs and download results.",
    "conversions:write": "Convert, cancel, delete jobs.",
    "media:read": "See and download files of the library.",
    "media:write": "Upload, change, delete files of the library.",
    "media:share": "Share files of the library.",
    "webhooks:read": "See endpoints and deliveries.",
    "webhooks:write": "Make, change, delete endpoints; send again.",
    "notifications:read": "Read the own notifications.",
    "billing:read": "See plan, usage, invoices.",
    "billing:write": "Change the plan, pay.",
    "members:read": "See members, roles, invitations.",
    "members:write": "Invite, remove, change roles.",
    "keys:read": "See API keys and their usage.",
    "keys:write": "Make, change, rotate, revoke API keys.",
    "audit:read": "Read the activity log and the audit trail.",
    "settings:write": "Change the tenant's settings.",
}

BRANDING = ("display_name", "color", "logo_url", "support_url", "support_email")
GRACE = timedelta(days=30)  # between a tenant's deletion and its purge
INVITATION_LIFETIME = timedelta(days=7)
MOST_LEAKS = 100  # in one report
LEAK_REPORTS_AN_HOUR = 60  # from one address
MOST_NETWORKS = 50  # of one key
MOST_INVITATIONS = 200  # of one tenant that are open at once
CLOSED = "tenant.closed"  # event: suspended or deleted, its jobs must end; webhooks don't see it

# fm_live_ or fm_test_, 8 characters that may be shown, a dot, 32 secret ones, 6 of checksum.
KEY_PATTERN = re.compile(r"^(fm_(?:live|test)_[0-9A-Za-z]{8})\.([0-9A-Za-z]{32})([0-9A-Za-z]{6})$")
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SLUG_PATTERN = re.compile(r"^[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?$")
RESERVED_SLUGS = frozenset(
    {"www", "api", "admin", "app", "docs", "static", "media", "mail", "public", "status", "staff"}
)


def checksum(text: str) -> str:
    """Six base-62 digits of the CRC-32: tells a mistyped key without a database read."""
    value, digits = zlib.crc32(text.encode()), []
    for _ in range(6):
        value, digit = divmod(value, 62)
        digits.append(BASE62[digit])
    return "".join(reversed(digits))
