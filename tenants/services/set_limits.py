"""Copy what a plan allows to the tenant's row and lane."""

from __future__ import annotations

from functools import partial

from django.db import transaction

import dispatch.services as dispatch
from core.cache import renew_stamps
from tenants.models import ApiKey, Tenant


def set_limits(
    *,
    tenant_id: str,
    plan_code: str,
    requests_per_hour: int | None,
    upload_bytes: int | None,
    slots: int,
    weight: int,
) -> None:
    """Called by billing whenever the plan changes. Idempotent."""
    Tenant.objects.filter(pk=tenant_id).update(
        plan_code=plan_code, requests_per_hour=requests_per_hour, upload_bytes=upload_bytes
    )
    prefixes = ApiKey.objects.filter(tenant_id=tenant_id).values_list("prefix", flat=True)
    stamps = [f"key:{prefix}" for prefix in prefixes]
    transaction.on_commit(partial(renew_stamps, stamps))
    schema_name = Tenant.objects.values_list("schema_name", flat=True).get(pk=tenant_id)
    dispatch.set_lane(schema_name=schema_name, weight=weight, slots=slots)
