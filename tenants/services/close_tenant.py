"""Suspend and resume; delete with a time of grace, undo it, and purge when the grace is over."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

import dispatch.services as dispatch
from audit.services import record
from core import storage
from core.errors import Conflict, NotFound, PermissionDenied, invalid
from core.outbox.services import forget_tenant, publish
from core.tenancy import in_public, in_tenant
from tenants.models import FleetState, Membership, PurgedSchema, Tenant
from tenants.services.keep_keys import look_again
from tenants.terms import CLOSED, GRACE, RoleName

log = logging.getLogger("filemill.purge")
SWEPT_FOR = timedelta(days=7)  # a worker that comes later than this has long lost its process


def suspend_tenant(*, tenant_id: str, reason: str = "") -> Tenant:
    """Close a tenant to people and keys from their next request on; its jobs end as canceled.

    Idempotent. Raises NotFound.
    """
    with in_public(), transaction.atomic():
        tenant = locked(tenant_id)
        if tenant.suspended_at is None:
            tenant.suspended_at = timezone.now()
            tenant.suspended_reason = reason[:300]
            tenant.save(update_fields=["suspended_at", "suspended_reason"])
            close(tenant, "The tenant was suspended.")
            # The reason is told to staff only, so it stays out of the tenant's own trail.
            record(action="tenant.suspended", target=tenant.id, schema_name=tenant.schema_name)
    return tenant


def resume_tenant(*, tenant_id: str) -> Tenant:
    """Open a suspended tenant again. Idempotent. Raises NotFound."""
    with in_public(), transaction.atomic():
        tenant = locked(tenant_id)
        if tenant.suspended_at is not None:
            tenant.suspended_at, tenant.suspended_reason = None, ""
            tenant.save(update_fields=["suspended_at", "suspended_reason"])
            reopen(tenant)
            record(action="tenant.resumed", target=tenant.id, schema_name=tenant.schema_name)
    return tenant


def delete_tenant(*, tenant_id: str, role: str | None, name: str) -> Tenant:
    """Close a tenant; after 30 days it is purged. Only an owner, who repeats its name.

    Raises PermissionDenied, ValidationFailed.
    """
    if role != RoleName.OWNER:
        raise PermissionDenied("Only an owner deletes a tenant.")
    with in_public(), transaction.atomic():
        tenant = locked(tenant_id)
        if name.strip() not in (tenant.name, tenant.slug):
            raise invalid("name", "Repeat the name of the tenant to delete it.")
        if tenant.purge_at is None:
            tenant.purge_at = timezone.now() + GRACE
            tenant.save(update_fields=["purge_at"])
            close(tenant, "The tenant is being deleted.")
            record(action="tenant.deleted", target=tenant.id, schema_name=tenant.schema_name)
    return tenant


def restore_tenant(*, slug: str, user_id: str) -> Tenant:
    """Undo a deletion within its grace. Raises NotFound, PermissionDenied, Conflict."""
    with in_public(), transaction.atomic():
        tenant: Tenant | None = Tenant.objects.select_for_update().filter(slug=slug).first()
        mine = Membership.objects.select_related("role").filter(tenant=tenant, user_id=user_id)
        membership = mine.first()
        if tenant is None or membership is None:
            raise NotFound("There is no such tenant.")
        if membership.role.name != RoleName.OWNER:
            raise PermissionDenied("Only an owner undoes a deletion.")
        if tenant.purge_at is None:
            raise Conflict("This tenant is not being deleted.")
        tenant.purge_at = None
        tenant.save(update_fields=["purge_at"])
        reopen(tenant)
        record(action="tenant.restored", target=tenant.id, schema_name=tenant.schema_name)
    return tenant


def locked(tenant_id: str) -> Tenant:
    """The tenant's row, ours until the transaction ends. Raises NotFound."""
    tenant: Tenant | None = Tenant.objects.select_for_update().filter(pk=tenant_id).first()
    if tenant is None:
        raise NotFound("There is no such tenant.")
    return tenant


def close(tenant: Tenant, why: str) -> None:
    """Keys are looked up anew, tickets held back; whoever has jobs ends them (the event)."""
    look_again(tenant_id=tenant.id)
    dispatch.pause_lane(schema_name=tenant.schema_name, paused=True)
    with in_tenant(tenant.schema_name):
        publish(
            type=CLOSED,
            tenant_slug=tenant.slug,
            shard=f"tenant:{tenant.id}",
            payload={"id": tenant.id, "detail": why},
        )


def reopen(tenant: Tenant) -> None:
    """Let go on what was held back, unless another reason holds it."""
    if tenant.status == "active":
        look_again(tenant_id=tenant.id)
        dispatch.pause_lane(schema_name=tenant.schema_name, paused=False)


def purge_deleted() -> int:
    """Purge every tenant whose grace is over, one by one; sweep after late workers. How many."""
    with in_public():
        due = list(Tenant.objects.filter(purge_at__lt=Now()).values_list("id", flat=True))
        done = sum(purge_tenant(tenant_id) for tenant_id in due)
        recent = PurgedSchema.objects.filter(purged_at__gt=timezone.now() - SWEPT_FOR)
        for schema_name in recent.values_list("schema_name", flat=True):
            sweep(schema_name)
    return done


def purge_tenant(tenant_id: str) -> bool:
    """Schema, rows, keys, events and tickets in one transaction, then the files."""
    with transaction.atomic():
        tenant = Tenant.objects.select_for_update().filter(pk=tenant_id, purge_at__lt=Now()).first()
        if tenant is None:  # restored meanwhile, or purged by another
            return False
        schema_name = tenant.schema_name
        look_again(tenant_id=tenant.id)
        Tenant.objects.filter(pk=tenant.pk).delete()
        FleetState.objects.filter(pk=schema_name).delete()
        PurgedSchema.objects.create(schema_name=schema_name)
        dispatch.drop_lane(schema_name=schema_name)
        forget_tenant(schema_name)
        with connection.cursor() as cursor:
            quoted = connection.ops.quote_name(schema_name)
            cursor.execute(f"DROP SCHEMA IF EXISTS {quoted} CASCADE")
    storage.bury_tenant(schema_name)
    log.info("tenant %s purged", tenant_id)
    return True


def sweep(schema_name: str) -> None:
    """What a crash or a late worker left of a purged tenant. Idempotent."""
    storage.bury_tenant(schema_name)
    forget_tenant(schema_name)
