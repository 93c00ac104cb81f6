"""Make, change, rotate and revoke API keys."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.services import demand_verified
from audit.services import record
from core.cache import renew_stamps
from core.errors import Conflict, NotFound, PermissionDenied, invalid
from core.outbox.services import publish
from tenants.models import ApiKey, Tenant
from tenants.services.keep_roles import grantable, refuse_more
from tenants.terms import DEFAULT_SCOPES, MOST_NETWORKS


@dataclass(frozen=True, kw_only=True)
class KeyWish:
    """What a new key shall be."""

    name: str
    scopes: Collection[str] | None = None
    expires_at: datetime | None = None
    is_test: bool = False
    allowed_ips: Collection[str] = field(default_factory=tuple)
    retention_hours: int | None = None


@transaction.atomic
def create_api_key(
    *,
    tenant_id: str,
    user_id: str | None,
    held: frozenset[str],
    wish: KeyWish,
    caller_key_id: str | None = None,
) -> tuple[ApiKey, str]:
    """A key and its secret text, which is shown once.

    ``held`` are the caller's own permissions: nobody grants more, nor does a key that calls
    (``caller_key_id``) give away its bounds. ``user_id`` None: made by a key whose maker is gone.
    Raises EmailNotVerified, PermissionDenied, ValidationFailed.
    """
    if user_id is not None:
        demand_verified(user_id=user_id)
    default = [scope for scope in DEFAULT_SCOPES if scope in held]
    networks = clean_networks(wish.allowed_ips)
    keep_bounds(caller_key_id, is_test=wish.is_test, networks=networks)
    key, text = insert_key(
        tenant_id=tenant_id,
        created_by_id=user_id,
        name=wish.name,
        is_test=wish.is_test,
        scopes=grantable(wish.scopes, held, field="scopes") if wish.scopes else default,
        expiry_date=future(wish.expires_at),
        allowed_ips=networks,
        retention_hours=wish.retention_hours,
    )
    tell("key.created", key)
    record(
        action="key.created",
        target=key.id,
        changes={"scopes": [None, key.scopes], "test": [None, key.is_test]},
    )
    return key, text


def keep_bounds(caller_key_id: str | None, *, is_test: bool, networks: Collection[str]) -> None:
    """Raise PermissionDenied when a key would hand on more than itself: live calls by a test key,
    calls from everywhere by one that is bound to networks. A person (None) has no such bounds.
    """
    caller = ApiKey.objects.filter(pk=caller_key_id).first() if caller_key_id else None
    if caller is None:
        return
    if caller.is_test and not is_test:
        raise PermissionDenied("A test key makes and changes test keys only.")
    own = [ip_network(text) for text in caller.allowed_ips]
    wider = [text for text in networks if not lies_in(ip_network(text), own)]
    if own and (wider or not networks):
        raise PermissionDenied(f"Bind the key to networks within {', '.join(caller.allowed_ips)}.")


def lies_in(inner: IPv4Network | IPv6Network, outer: Collection[IPv4Network | IPv6Network]) -> bool:
    """Whether a network is part of one of the others."""
    return any(inner.version == one.version and inner.subnet_of(one) for one in outer)  # type: ignore[arg-type]


def insert_key(**fields: Any) -> tuple[ApiKey, str]:
    """The row and the text."""
    made: tuple[Any, str] = ApiKey.objects.create_key(**fields)
    return made


def future(moment: datetime | None) -> datetime | None:
    """A time that is not past."""
    if moment is not None and moment <= timezone.now():
        raise invalid("expires_at", "This time is past.")
    return moment


def clean_networks(texts: Collection[str]) -> list[str]:
    """Addresses and networks in CIDR form. Raises ValidationFailed naming the wrong one."""
    if len(texts) > MOST_NETWORKS:
        raise invalid("allowed_ips", f"At most {MOST_NETWORKS} networks.")
    cleaned = []
    for text in texts:
        try:
            cleaned.append(str(ip_network(text.strip(), strict=False)))
        except ValueError as error:
            raise invalid("allowed_ips", f"{text!r} is no address and no network.") from error
    return list(dict.fromkeys(cleaned))


@transaction.atomic
def change_api_key(
    *,
    tenant_id: str,
    key_id: str,
    held: frozenset[str],
    wanted: dict[str, Any],
    caller_key_id: str | None = None,
) -> ApiKey:
    """Change what ``wanted`` names, in force at the key's next request.

    Fields: name, scopes, expires_at, allowed_ips, retention_hours. Raises NotFound, Conflict for a
    key that has ended, PermissionDenied, ValidationFailed.
    """
    key = living_key(tenant_id, key_id)
    refuse_more(key.scopes, held)
    keep_bounds(caller_key_id, is_test=key.is_test, networks=key.allowed_ips)
    before = {name: getattr(key, name) for name in ("scopes", "allowed_ips")}
    if "name" in wanted:
        key.name = wanted["name"]
    if "scopes" in wanted:
        key.scopes = grantable(wanted["scopes"], held, field="scopes")
    if "expires_at" in wanted:
        key.expiry_date = future(wanted["expires_at"])
    if "allowed_ips" in wanted:
        key.allowed_ips = clean_networks(wanted["allowed_ips"] or ())
    if "retention_hours" in wanted:
        key.retention_hours = wanted["retention_hours"]
    keep_bounds(caller_key_id, is_test=key.is_test, networks=key.allowed_ips)
    key.save()
    forget_key(key)
    changes = {name: [value, getattr(key, name)] for name, value in before.items()}
    record(action="key.changed", target=key.id, changes={**changes, "fields": sorted(wanted)})
    return key


@transaction.atomic
def rotate_api_key(
    *,
    tenant_id: str,
    key_id: str,
    user_id: str | None,
    held: frozenset[str],
    overlap_s: int,
    caller_key_id: str | None = None,
) -> tuple[ApiKey, str]:
    """A new key that is like the old one, which lives on for the overlap; 0 revokes it at once.

    A key that was to expire gets a successor that lives as long as it would have. Raises NotFound,
    Conflict for a key that has ended or was rotated, PermissionDenied.
    """
    old = living_key(tenant_id, key_id)
    refuse_more(old.scopes, held)
    keep_bounds(caller_key_id, is_test=old.is_test, networks=old.allowed_ips)
    if old.replaced_by_id:
        raise Conflict("This key was rotated before. Rotate the one that replaced it.")
    now = timezone.now()
    key, text = insert_key(
        tenant_id=tenant_id,
        created_by_id=user_id,
        name=old.name,
        is_test=old.is_test,
        scopes=old.scopes,
        expiry_date=now + (old.expiry_date - old.created) if old.expiry_date else None,
        allowed_ips=old.allowed_ips,
        retention_hours=old.retention_hours,
    )
    old.replaced_by = key
    end = now + timedelta(seconds=overlap_s)
    old.expiry_date = min(old.expiry_date, end) if old.expiry_date else end
    old.save()
    forget_key(old)
    tell("key.created", key, replaces=old.id)
    record(
        action="key.rotated",
        target=old.id,
        changes={"replaced_by": [None, key.id], "overlap_seconds": overlap_s},
    )
    if overlap_s == 0:
        revoke(old)
    return key, text


@transaction.atomic
def revoke_api_key(*, tenant_id: str, key_id: str) -> None:
    """From the next request on the key is refused. Idempotent. Raises NotFound."""
    key = own_key(tenant_id, key_id)
    if not key.revoked:
        revoke(key)


def revoke(key: ApiKey, **why: str) -> None:
    """End a key in the running transaction, and tell."""
    key.revoked, key.revoked_at = True, timezone.now()
    key.save()
    forget_key(key)
    tell("key.revoked", key, **why)
    record(action="key.revoked", target=key.id, changes={"reason": why.get("reason", "asked")})


def own_key(tenant_id: str, key_id: str) -> ApiKey:
    """A key of the tenant, locked. Raises NotFound."""
    rows = ApiKey.objects.select_for_update().filter(pk=key_id, tenant_id=tenant_id)
    key: ApiKey | None = rows.first()
    if key is None:
        raise NotFound("There is no such key.")
    return key


def living_key(tenant_id: str, key_id: str) -> ApiKey:
    """One that is not at its end. Raises NotFound, Conflict."""
    key = own_key(tenant_id, key_id)
    if key.revoked or key.has_expired:
        raise Conflict("This key has ended. Make a new one.")
    return key


def forget_key(key: ApiKey) -> None:
    """Every process looks the key up anew at its next request."""
    transaction.on_commit(partial(renew_stamps, [f"key:{key.prefix}"]))


def look_again(*, tenant_id: str) -> None:
    """Every process looks every key of the tenant up anew."""
    prefixes = ApiKey.objects.filter(tenant_id=tenant_id).values_list("prefix", flat=True)
    stamps = [f"key:{prefix}" for prefix in prefixes]
    if stamps:
        transaction.on_commit(partial(renew_stamps, stamps))


def tell(type: str, key: ApiKey, **more: str) -> None:
    """Publish what happened to a key, in the tenant's name."""
    slug = Tenant.objects.values_list("slug", flat=True).get(pk=key.tenant_id)
    publish(
        type=type,
        tenant_slug=slug,
        shard=f"key:{key.id}",
        payload={
            "id": key.id,
            "name": key.name,
            "prefix": key.prefix,
            "test": key.is_test,
            **more,
        },
    )
