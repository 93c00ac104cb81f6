"""Reserve before work, commit or release after it, once; change plans."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from billing.errors import FeatureNotInPlan, QuotaExceeded
from billing.models import Meter, Plan, Reservation, Subscription
from billing.queries import entitlements, subscription_of
from billing.terms import METER, PLANS, month_of
from core.outbox.services import publish
from tenants import services as tenants

RESERVE = """
UPDATE billing_meter SET reserved = reserved + %(units)s
WHERE tenant_id = %(tenant)s AND name = %(name)s AND period_start = %(start)s
  AND (%(limit)s::bigint IS NULL OR used + reserved + %(units)s <= %(limit)s::bigint)
RETURNING id, used + reserved
"""

END = """
WITH ended AS (
  UPDATE billing_reservation SET state = %(state)s, ended_at = now()
  WHERE ref = %(ref)s AND state = 'held' RETURNING meter_id, units
)
UPDATE billing_meter m
SET reserved = m.reserved - ended.units,
    used = m.used + CASE WHEN %(state)s = 'committed' THEN ended.units ELSE 0 END
FROM ended WHERE m.id = ended.meter_id
"""


def reserve(*, tenant_id: str, tenant_slug: str, ref: str, units: int) -> None:
    """Hold units inside the caller's transaction. Raises QuotaExceeded with the figures."""
    subscription = subscription_of(tenant_id)
    limit = subscription.conversions_limit
    start, end = month_of(timezone.now())
    Meter.objects.bulk_create(
        [Meter(tenant_id=tenant_id, name=METER, period_start=start, period_end=end)],
        ignore_conflicts=True,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            RESERVE,
            {"units": units, "tenant": tenant_id, "name": METER, "start": start, "limit": limit},
        )
        row = cursor.fetchone()
    if row is None:
        raise quota_exceeded(tenant_id, start, end, limit)
    Reservation.objects.create(meter_id=row[0], ref=ref, units=units)
    warn_near_limit(tenant_slug, total=row[1], units=units, limit=limit)


def reserve_many(*, tenant_id: str, tenant_slug: str, wanted: dict[str, int]) -> set[str]:
    """Hold units for each ref that still fits, in their order. Returns the refs that were granted.

    The meter's row stays locked until the caller's transaction ends, so what is read here is what
    is written: a thousand refs cost four statements.
    """
    limit = subscription_of(tenant_id).conversions_limit
    meter = locked_meter(tenant_id)
    taken, granted = meter.used + meter.reserved, []
    for ref, units in wanted.items():
        if limit is None or taken + units <= limit:
            taken += units
            granted.append(Reservation(meter=meter, ref=ref, units=units))
    Reservation.objects.bulk_create(granted)
    units = taken - meter.used - meter.reserved
    Meter.objects.filter(pk=meter.pk).update(reserved=F("reserved") + units)
    if units:
        warn_near_limit(tenant_slug, total=taken, units=units, limit=limit)
    return {row.ref for row in granted}


def locked_meter(tenant_id: str) -> Meter:
    """This month's meter, locked; made where it is missing."""
    start, end = month_of(timezone.now())
    Meter.objects.bulk_create(
        [Meter(tenant_id=tenant_id, name=METER, period_start=start, period_end=end)],
        ignore_conflicts=True,
    )
    return Meter.objects.select_for_update().get(
        tenant_id=tenant_id, name=METER, period_start=start
    )


def refusal_of_quota(tenant_id: str) -> QuotaExceeded:
    """Why `reserve_many` left something out, with the figures of now."""
    start, end = month_of(timezone.now())
    return quota_exceeded(tenant_id, start, end, subscription_of(tenant_id).conversions_limit)


def demand_feature(*, tenant_id: str, feature: str) -> None:
    """Raise FeatureNotInPlan, naming the cheapest plan that has it."""
    if feature in entitlements(tenant_id).features:
        return
    plan = next((p for p in PLANS if feature in p.features), None)
    named = f" {plan.name} has it." if plan else ""
    raise FeatureNotInPlan(f"Your plan does not include {feature}.{named}")


def quota_exceeded(
    tenant_id: str, start: datetime, end: datetime, limit: int | None
) -> QuotaExceeded:
    """The refusal, with used, reserved, limit and the end of the period."""
    found = Meter.objects.filter(tenant_id=tenant_id, name=METER, period_start=start).first()
    meter = found or Meter()
    held = f" ({meter.reserved} of them still running)" if meter.reserved else ""
    return QuotaExceeded(
        f"{meter.used + meter.reserved} of {limit} conversions used{held}; "
        f"resets {end:%Y-%m-%dT%H:%M:%SZ}. Upgrade or wait."
    )


def warn_near_limit(slug: str, *, total: int, units: int, limit: int | None) -> None:
    """Tell once when 80 % is crossed, and once when the last unit goes."""
    if not limit:
        return
    payload: dict[str, Any] = {"meter": METER, "used": total, "limit": limit}
    for share, type in ((0.8, "quota.warning"), (1.0, "quota.exceeded")):
        if total >= limit * share > total - units:
            publish(type=type, tenant_slug=slug, shard="quota", payload=payload)


def commit(*, ref: str) -> None:
    """Turn the held units into used ones. Idempotent."""
    end_reservation(ref, "committed")


def release(*, ref: str) -> None:
    """Give the held units back. Idempotent."""
    end_reservation(ref, "released")


def end_reservation(ref: str, state: str) -> None:
    """One statement moves reservation and meter together."""
    with connection.cursor() as cursor:
        cursor.execute(END, {"ref": ref, "state": state})


@transaction.atomic
def change_plan(*, tenant_id: str, plan_code: str, conversions: int | None = None) -> None:
    """Put a tenant on a plan and tell its limits to where they are enforced.

    ``conversions`` overrides the plan's monthly number for this tenant.
    """
    plan = Plan.objects.get(code=plan_code)
    Subscription.objects.update_or_create(
        tenant_id=tenant_id, defaults={"plan": plan, "conversions_override": conversions}
    )
    tenants.set_limits(
        tenant_id=tenant_id,
        plan_code=plan.code,
        requests_per_hour=plan.requests_per_hour,
        upload_bytes=plan.file_bytes,
        slots=plan.concurrency,
        weight=plan.weight,
    )
