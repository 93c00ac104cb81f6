"""From credentials to a Principal: API key, or JWT with X-Tenant, host or default tenant."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts import queries as accounts
from accounts import tokens
from accounts.auth import browser_user
from accounts.queries import SessionUser
from core.access import Principal
from core.cache import read_stamp
from core.env import env
from core.errors import (
    InvalidCredentials,
    KeyExpired,
    KeyInvalid,
    KeyRevoked,
    PermissionDenied,
    TenantSuspended,
    TokenExpired,
)
from tenants import queries
from tenants.models import ApiKey, FilemillKeyGenerator, Tenant
from tenants.terms import KEY_PATTERN, ROLE_PERMISSIONS, RoleName, checksum

HASHES = FilemillKeyGenerator()
TRUSTED_S = 2.0  # a remembered key is looked up again after this, whatever its stamp says
MOST_REMEMBERED = 10_000


@dataclass(frozen=True)
class Remembered:
    """A key that was valid, with the stamp that Redis had for it then."""

    principal: Principal
    stamp: str | None
    at: float  # monotonic seconds
    expires_at: datetime | None

    def is_fresh(self, stamp: str | None) -> bool:
        """Not when it is old, has expired, or anything about key or tenant has changed."""
        if stamp is None or stamp != self.stamp or time.monotonic() - self.at > TRUSTED_S:
            return False
        return self.expires_at is None or self.expires_at > timezone.now()


REMEMBERED: dict[bytes, Remembered] = {}  # by SHA-256 of the key's text


def authenticate(request: HttpRequest) -> Principal | None:
    """The caller, or None without credentials. Raises the reason when they are no good.

    A session cookie counts only where no Authorization header is sent.
    """
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    credentials = credentials.strip()
    match scheme.lower():
        case "":
            user = browser_user(request)
            return person(request, user, queries.first_slug(user.user_id)) if user else None
        case "api-key":
            return by_key(credentials)
        case "bearer":
            return by_token(request, credentials)
        case _:
            raise InvalidCredentials("Use `Authorization: Api-Key …` or `Bearer …`.")


def by_key(text: str) -> Principal:
    """The tenant of an API key. Raises KeyInvalid, KeyRevoked, KeyExpired, TenantSuspended."""
    match = KEY_PATTERN.match(text)
    if match is None or not constant_time_compare(checksum(text[:-6]), match[3]):
        raise KeyInvalid("This is not an API key of Filemill, or it was mistyped.")
    digest = hashlib.sha256(text.encode()).digest()
    stamp = read_stamp(
        f"key:{match[1]}"
    )  # before the row is read, so that a change is never missed
    known = REMEMBERED.get(digest)
    if known is not None and known.is_fresh(stamp):
        return known.principal
    key = valid_key(text, match[1])
    if len(REMEMBERED) >= MOST_REMEMBERED:
        REMEMBERED.clear()
    principal = key_principal(key)
    REMEMBERED[digest] = Remembered(principal, stamp, time.monotonic(), key.expiry_date)
    return principal


def valid_key(text: str, prefix: str) -> ApiKey:
    """The key's row. Raises KeyInvalid, KeyRevoked, KeyExpired, TenantSuspended."""
    key = queries.key_by_prefix(prefix)
    if key is None or not HASHES.verify(text, key.hashed_key):
        raise KeyInvalid("There is no such API key.")
    if key.revoked:
        raise KeyRevoked("This key was revoked. Make a new one.")
    if key.has_expired:
        raise KeyExpired(f"This key expired on {key.expiry_date:%Y-%m-%d}. Make a new one.")
    refuse_suspended(key.tenant)
    return key


def key_principal(key: ApiKey) -> Principal:
    """The principal of a valid key."""
    tenant: Tenant = key.tenant
    return Principal(
        tenant_id=tenant.id,
        tenant_slug=tenant.slug,
        schema_name=tenant.schema_name,
        user_id=key.created_by_id,
        api_key_id=key.id,
        is_test=key.is_test,
        permissions=frozenset(key.scopes),
        plan_code=tenant.plan_code,
        requests_per_hour=tenant.requests_per_hour,
        upload_bytes=tenant.upload_bytes,
    )


def by_token(request: HttpRequest, token: str) -> Principal:
    """A person; in the tenant of X-Tenant, else of the host, else of the token."""
    claims = tokens.read_access(token)
    user = accounts.session_user(claims.session_id)
    if user is None or user.user_id != claims.user_id:
        raise TokenExpired("This session was ended. Log in again.")
    return person(request, user, claims.tenant_slug)


def person(request: HttpRequest, user: SessionUser, default_slug: str | None) -> Principal:
    """The principal of a login, whether it came by token or by cookie."""
    known = partial(
        Principal,
        user_id=user.user_id,
        session_id=user.session_id,
        is_staff=user.is_staff,
        has_mfa=user.has_mfa,
    )
    slug = request.headers.get("X-Tenant") or host_slug(request) or default_slug
    if not slug:
        return known(tenant_id=None, tenant_slug=None, schema_name=None)
    membership = queries.membership_of(user.user_id, slug)
    if membership is None:
        raise PermissionDenied(f"You are not a member of {slug}.")
    tenant: Tenant = membership.tenant
    refuse_suspended(tenant)
    return known(
        tenant_id=tenant.id,
        tenant_slug=tenant.slug,
        schema_name=tenant.schema_name,
        permissions=ROLE_PERMISSIONS[RoleName(membership.role)],
        plan_code=tenant.plan_code,
        requests_per_hour=tenant.requests_per_hour,
        upload_bytes=tenant.upload_bytes,
    )


def host_slug(request: HttpRequest) -> str | None:
    """The tenant that the host names, if it is below the base domain."""
    host = request.get_host().rsplit(":", 1)[0].lower()
    suffix = f".{env().site.base_domain}"
    if not host.endswith(suffix) or host == f"api{suffix}":
        return None
    return queries.slug_of_host(host)


def refuse_suspended(tenant: Tenant) -> None:
    """A suspended tenant can't call."""
    if tenant.suspended_at is not None:
        raise TenantSuspended("This tenant is suspended. Ask support.")
