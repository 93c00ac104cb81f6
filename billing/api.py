"""`/billing/`: plans and the caller's subscription. Payments join with Stripe."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from billing import queries
from billing.schemas import PlanListOut, SubscriptionOut
from core.access import ANYONE, principal_of, requires

router = Router(tags=["Billing"])


@router.get("/plans/", response=PlanListOut, auth=None)
@requires(ANYONE)
def plans(request: HttpRequest) -> dict[str, Any]:
    """Every plan, with prices in cents and limits."""
    return {"items": queries.plan_list()}


@router.get("/subscription/", response=SubscriptionOut)
@requires("billing:read")
def subscription(request: HttpRequest) -> dict[str, Any]:
    """The plan of the caller's tenant."""
    usage = queries.usage(principal_of(request).tenant_id or "")
    return {
        "plan": usage.plan_code,
        "period": {"start": usage.period_start, "end": usage.period_end},
    }
