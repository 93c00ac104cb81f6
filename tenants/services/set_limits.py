"""Copy what a plan allows to the tenant's row and lane."""

from __future__ import annotations

import dispatch.services as dispatch
from tenants.models import Tenant
from tenants.services.keep_keys import look_again


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
    look_again(tenant_id=tenant_id)
    schema_name = Tenant.objects.values_list("schema_name", flat=True).get(pk=tenant_id)
    dispatch.set_lane(schema_name=schema_name, weight=weight, slots=slots)
