"""What staff does to tenants and people: through the verbs of the rooms below, and recorded."""

from __future__ import annotations

from django.db import transaction

import billing.queries as plans
import billing.services as billing
from accounts import services as accounts
from audit.services import record
from core.errors import Conflict, NotFound, invalid
from core.tenancy import in_public
from tenants.census import find_profile


def change_plan(*, tenant_id: str, plan_code: str, conversions: int | None = None) -> None:
    """Put a tenant on a plan, in force at its next request. Raises NotFound, ValidationFailed.

    ``conversions`` overrides the plan's number a month (Enterprise).
    """
    with in_public(), transaction.atomic():
        tenant = find_profile(tenant_id)
        if tenant is None:
            raise NotFound("There is no such tenant.")
        if plan_code not in {plan["code"] for plan in plans.plan_list()}:
            raise invalid("plan", f"There is no plan {plan_code}.")
        billing.change_plan(tenant_id=tenant_id, plan_code=plan_code, conversions=conversions)
        record(
            action="plan.changed",
            target=tenant_id,
            changes={"plan": [tenant.plan_code, plan_code]},
            schema_name=tenant.schema_name,
        )


def set_user_active(*, user_id: str, is_active: bool, caller_id: str) -> None:
    """Let a person in again, or end their logins and keep them out; nobody does that to oneself.

    Raises NotFound, Conflict.
    """
    if user_id == caller_id:
        raise Conflict("Ask a colleague: nobody locks themselves out.")
    with in_public():
        accounts.set_active(user_id=user_id, is_active=is_active)
