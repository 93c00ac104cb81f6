"""Words of the tenants: roles, scopes, key formats."""

from __future__ import annotations

import re
import zlib
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
