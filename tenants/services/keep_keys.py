"""Make and revoke API keys."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from core.cache import renew_stamps
from core.errors import EmailNotVerified, NotFound, PermissionDenied, invalid
from core.outbox.services import publish
from tenants.models import ApiKey, Membership, Tenant
from tenants.terms import ALL, DEFAULT_SCOPES


@transaction.atomic
def create_api_key(
    *,
    tenant_id: str,
    user_id: str,
    held: frozenset[str],
    name: str,
    scopes: list[str] | None = None,
    expires_at: datetime | None = None,
    is_test: bool = False,
) -> tuple[ApiKey, str]:
    """A key and its secret text, which is shown once.

    ``held`` are the caller's own permissions: nobody grants more. Raises EmailNotVerified,
    PermissionDenied, ValidationFailed.
    """
    membership = Membership.objects.select_related("user").get(tenant_id=tenant_id, user_id=user_id)
    if not membership.user.is_verified:
        raise EmailNotVerified("Open the link in the mail we sent, then make the key.")
    wanted = list(dict.fromkeys(scopes)) if scopes else [s for s in DEFAULT_SCOPES if s in held]
    unknown = set(wanted) - ALL
    if unknown:
        raise invalid("scopes", f"No such scope: {', '.join(sorted(unknown))}.")
    if not set(wanted) <= held:
        raise PermissionDenied("A key can't hold a scope that you lack.")
    if expires_at and expires_at <= timezone.now():
        raise invalid("expires_at", "This time is past.")
    made: tuple[Any, str] = ApiKey.objects.create_key(
        name=name,
        tenant_id=tenant_id,
        created_by_id=user_id,
        is_test=is_test,
        scopes=wanted,
        expiry_date=expires_at,
    )
    key: ApiKey = made[0]
    tell("key.created", key)
    return key, made[1]


@transaction.atomic
def revoke_api_key(*, tenant_id: str, key_id: str) -> None:
    """From the next request on the key is refused. Idempotent. Raises NotFound."""
    key = ApiKey.objects.select_for_update().filter(pk=key_id, tenant_id=tenant_id).first()
    if key is None:
        raise NotFound("There is no such key.")
    if not key.revoked:
        key.revoked, key.revoked_at = True, timezone.now()
        key.save()
        transaction.on_commit(partial(renew_stamps, [f"key:{key.prefix}"]))
        tell("key.revoked", key)


def tell(type: str, key: ApiKey) -> None:
    """Publish what happened to a key, in the tenant's name."""
    slug = Tenant.objects.values_list("slug", flat=True).get(pk=key.tenant_id)
    publish(
        type=type,
        tenant_slug=slug,
        shard=f"key:{key.id}",
        payload={"id": key.id, "name": key.name, "prefix": key.prefix, "test": key.is_test},
    )
