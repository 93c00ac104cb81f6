"""From credentials to a Principal: API key, or JWT with X-Tenant, host or default tenant."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

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
    AppError,
    InvalidCredentials,
    KeyExpired,
    KeyInvalid,
    KeyRevoked,
    MfaRequired,
    PermissionDenied,
    TenantSuspended,
    TokenExpired,
)
from tenants import queries
from tenants.models import ApiKey, FilemillKeyGenerator, Membership, Tenant
from tenants.terms import KEY_PATTERN, checksum

Network = IPv4Network | IPv6Network
HASHES = FilemillKeyGenerator()
TRUSTED_S = 2.0  # a remembered key is looked up again after this, whatever its stamp says
MOST_REMEMBERED = 10_000


@dataclass(frozen=True)
class Remembered:
    """A key that was valid, with the stamp that Redis had for it then."""

    principal: Principal
    networks: tuple[Network, ...]  # that may use it; none: every one
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
    scheme, _, credentials = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    credentials = credentials.strip()
    match scheme.lower():
        case "":
            return by_cookie(request)
        case "api-key":
            return by_key(credentials, request.META.get("REMOTE_ADDR", ""))
        case "bearer":
            return by_token(request, credentials)
        case _:
            raise InvalidCredentials("Use `Authorization: Api-Key …` or `Bearer …`.")


def recall(request: HttpRequest) -> tuple[Principal, str] | None:
    """Whom a key was last seen to be, with the name of its stamp; from memory, not yet proven."""
    scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "api-key":
        return None
    text = text.strip()
    known = REMEMBERED.get(hashlib.sha256(text.encode()).digest())
    return (known.principal, f"key:{text.partition('.')[0]}") if known else None


def by_key(text: str, address: str) -> Principal:
    """The tenant of an API key, used from an address.

    Raises KeyInvalid, KeyRevoked, KeyExpired, TenantSuspended, PermissionDenied.
    """
    match = KEY_PATTERN.match(text)
    if match is None or not constant_time_compare(checksum(text[:-6]), match[3]):
        raise KeyInvalid("This is not an API key of Filemill, or it was mistyped.")
    digest = hashlib.sha256(text.encode()).digest()
    stamp = read_stamp(
        f"key:{match[1]}"
    )  # before the row is read, so that a change is never missed
    known = REMEMBERED.get(digest)
    if known is None or not known.is_fresh(stamp):
        known = look_up(text, match[1], stamp)
        if len(REMEMBERED) >= MOST_REMEMBERED:
            REMEMBERED.clear()
        REMEMBERED[digest] = known
    refuse_foreign(known.networks, address)
    return known.principal


def look_up(text: str, prefix: str, stamp: str | None) -> Remembered:
    """A valid key's row, to be remembered under the stamp that was read before it."""
    key = valid_key(text, prefix)
    networks = tuple(ip_network(text) for text in key.allowed_ips)
    return Remembered(key_principal(key), networks, stamp, time.monotonic(), key.expiry_date)


def refuse_foreign(networks: tuple[Network, ...], address: str) -> None:
    """Raise unless the address lies in one of the networks (IPv4 inside IPv6 counts as IPv4)."""
    if not networks:
        return
    try:
        caller = ip_address(address)
    except ValueError:
        caller = None
    if isinstance(caller, IPv6Address) and caller.ipv4_mapped is not None:
        caller = caller.ipv4_mapped
    if caller is None or not any(caller in network for network in networks):
        raise PermissionDenied(f"This key may not be used from {address or 'here'}.")


def valid_key(text: str, prefix: str) -> ApiKey:
    """The key's row. Raises KeyInvalid, KeyRevoked, KeyExpired, TenantSuspended."""
    key = queries.key_by_prefix(prefix)
    if key is None or not HASHES.verify(text, key.hashed_key):
        raise KeyInvalid("There is no such API key.")
    if key.revoked:
        raise KeyRevoked("This key was revoked. Make a new one.")
    if key.has_expired:
        raise KeyExpired(f"This key expired on {key.expiry_date:%Y-%m-%d}. Make a new one.")
    refusal = closed(key.tenant)
    if refusal is not None:
        raise refusal
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
        retention_hours=min(
            filter(None, (key.retention_hours, tenant.retention_hours)), default=None
        ),
        allowed_formats=formats_of(tenant),
    )


def by_token(request: HttpRequest, token: str) -> Principal:
    """A person; in the tenant of X-Tenant, else of the host, else of the token."""
    claims = tokens.read_access(token)
    user = accounts.session_user(claims.session_id)
    if user is None or user.user_id != claims.user_id:
        raise TokenExpired("This session was ended. Log in again.")
    return principal_of_person(request, user, default_slug=claims.tenant_slug)


def by_cookie(request: HttpRequest) -> Principal | None:
    """A person in the dashboard, by the same rules. None without a session; raises CsrfFailed."""
    user = browser_user(request)
    if user is None:
        return None
    return principal_of_person(request, user, default_slug=queries.first_slug(user.user_id))


def principal_of_person(
    request: HttpRequest, person: SessionUser, *, default_slug: str | None
) -> Principal:
    """A person in the tenant that the request names, else in their default one.

    A tenant that is closed to them (suspended, deleted, second factor missing) leaves them outside
    with the reason: what concerns only themselves goes on. Raises PermissionDenied for a tenant
    that was named and is not theirs.
    """
    named = request.headers.get("X-Tenant") or host_slug(request)
    slug = named or default_slug
    if not slug:
        return outside(person)
    membership = queries.membership_of(person.user_id, slug)
    if membership is None:
        refusal = PermissionDenied(f"You are not a member of {slug}.")
        if named:
            raise refusal
        return outside(person, refusal=refusal)
    refusal_now = closed(membership.tenant) or unproven(membership.tenant, person)
    if refusal_now is not None:
        return outside(person, slug=slug, refusal=refusal_now)
    return inside(person, membership)


def outside(
    person: SessionUser, *, slug: str | None = None, refusal: AppError | None = None
) -> Principal:
    """A person in no tenant, with the reason if they meant one."""
    return Principal(
        tenant_id=None,
        tenant_slug=slug,
        schema_name=None,
        user_id=person.user_id,
        session_id=person.session_id,
        has_mfa=person.has_mfa,
        is_staff=person.is_staff,
        refusal=refusal,
    )


def inside(person: SessionUser, membership: Membership) -> Principal:
    """A member, with what the role allows."""
    tenant: Tenant = membership.tenant
    return Principal(
        tenant_id=tenant.id,
        tenant_slug=tenant.slug,
        schema_name=tenant.schema_name,
        user_id=person.user_id,
        session_id=person.session_id,
        permissions=frozenset(membership.role.permissions),
        role=membership.role.name,
        has_mfa=person.has_mfa,
        is_staff=person.is_staff,
        plan_code=tenant.plan_code,
        requests_per_hour=tenant.requests_per_hour,
        upload_bytes=tenant.upload_bytes,
        retention_hours=tenant.retention_hours,
        allowed_formats=formats_of(tenant),
    )


def formats_of(tenant: Tenant) -> frozenset[str] | None:
    """What files may be here; None: everything."""
    return None if tenant.allowed_formats is None else frozenset(tenant.allowed_formats)


def host_slug(request: HttpRequest) -> str | None:
    """The tenant that the host names, if it is below the base domain."""
    host = request.get_host().rsplit(":", 1)[0].lower()
    suffix = f".{env().site.base_domain}"
    if not host.endswith(suffix) or host == f"api{suffix}":
        return None
    return queries.slug_of_host(host)


def closed(tenant: Tenant) -> AppError | None:
    """Why nobody may work in a tenant."""
    if tenant.purge_at is not None:
        return TenantSuspended(
            f"This tenant will be deleted on {tenant.purge_at:%Y-%m-%d}. Until then its owner can "
            "undo that: POST /api/v1/tenant/restore/."
        )
    if tenant.suspended_at is not None:
        return TenantSuspended("This tenant is suspended. Ask support.")
    return None


def unproven(tenant: Tenant, person: SessionUser) -> AppError | None:
    """The second factor that the tenant wants and this login lacks."""
    if not tenant.require_mfa or person.has_mfa:
        return None
    return MfaRequired(
        f"{tenant.slug} wants a second factor. Set it up under /auth/mfa/totp/, then log in anew."
    )
