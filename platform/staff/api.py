"""`/staff/`: for the platform's staff, with a second factor in this login."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

import accounts.census as people
import tenants.census as tenants
import tenants.services as tenancy
from core.access import STAFF, person_of, requires
from core.errors import NotFound
from core.pagination import PageQuery, page_body, paginate
from staff import queries, services
from staff.schemas import (
    ConversionsOut,
    LetterListOut,
    LetterQuery,
    MailIn,
    MailingListOut,
    MailingOut,
    PeriodQuery,
    PlanIn,
    PlatformStatsOut,
    RegistrationsOut,
    StaffTenantListOut,
    StaffTenantOut,
    StaffUserListOut,
    StaffUserOut,
    SuspendIn,
    TenantQuery,
    UserQuery,
)

router = Router(tags=["Staff"])


def one_tenant(tenant_id: str) -> dict[str, Any]:
    """A tenant as staff sees it. Raises NotFound."""
    row = tenants.tenants_for_staff({}).filter(pk=tenant_id).first()
    if row is None:
        raise NotFound("There is no such tenant.")
    return tenants.staff_body(row)


def one_user(user_id: str) -> dict[str, Any]:
    """A person as staff sees them. Raises NotFound."""
    row = people.users_for_staff({}).filter(pk=user_id).first()
    if row is None:
        raise NotFound("There is no such user.")
    return people.staff_bodies([row])[0]


@router.get("/stats/", response=PlatformStatsOut)
@requires(STAFF)
def stats(request: HttpRequest) -> dict[str, Any]:
    """Tenants, people, keys, this month's conversions, what waits."""
    return queries.platform_stats()


@router.get("/analytics/registrations/", response=RegistrationsOut, by_alias=True)
@requires(STAFF)
def registrations(request: HttpRequest, query: Query[PeriodQuery]) -> dict[str, Any]:
    """New people and tenants, day by day."""
    return queries.registrations(query.from_, query.to)


@router.get("/analytics/conversions/", response=ConversionsOut, by_alias=True)
@requires(STAFF)
def conversions(request: HttpRequest, query: Query[PeriodQuery]) -> dict[str, Any]:
    """Conversions, day by day; those of test keys are not counted."""
    return queries.conversions(query.from_, query.to)


@router.get("/tenants/", response=StaffTenantListOut)
@requires(STAFF)
def list_tenants(request: HttpRequest, query: Query[TenantQuery]) -> dict[str, Any]:
    """Every tenant, newest first."""
    filters = query.dict(exclude={"limit", "cursor", "sort"})
    page = paginate(tenants.tenants_for_staff(filters), query)
    return page_body(page, [tenants.staff_body(row) for row in page.items])


@router.get("/tenants/{tenant_id}/", response=StaffTenantOut)
@requires(STAFF)
def get_tenant(request: HttpRequest, tenant_id: str) -> dict[str, Any]:
    """One tenant."""
    return one_tenant(tenant_id)


@router.post("/tenants/{tenant_id}/suspend/", response=StaffTenantOut)
@requires(STAFF)
def suspend(
    request: HttpRequest, tenant_id: str, payload: SuspendIn | None = None
) -> dict[str, Any]:
    """Close a tenant at its next request; its jobs end as canceled."""
    reason = payload.reason if payload else ""
    tenancy.suspend_tenant(tenant_id=tenant_id, reason=reason)
    return one_tenant(tenant_id)


@router.post("/tenants/{tenant_id}/resume/", response=StaffTenantOut)
@requires(STAFF)
def resume(request: HttpRequest, tenant_id: str) -> dict[str, Any]:
    """Open a suspended tenant again."""
    tenancy.resume_tenant(tenant_id=tenant_id)
    return one_tenant(tenant_id)


@router.post("/tenants/{tenant_id}/change-plan/", response=StaffTenantOut)
@requires(STAFF)
def change_plan(request: HttpRequest, tenant_id: str, payload: PlanIn) -> dict[str, Any]:
    """Put a tenant on a plan, in force at its next request."""
    services.change_plan(
        tenant_id=tenant_id, plan_code=payload.plan, conversions=payload.conversions
    )
    return one_tenant(tenant_id)


@router.get("/users/", response=StaffUserListOut)
@requires(STAFF)
def list_users(request: HttpRequest, query: Query[UserQuery]) -> dict[str, Any]:
    """Everybody, newest first."""
    filters = query.dict(exclude={"limit", "cursor", "sort"})
    page = paginate(people.users_for_staff(filters), query)
    return page_body(page, people.staff_bodies(page.items))


@router.get("/users/{user_id}/", response=StaffUserOut)
@requires(STAFF)
def get_user(request: HttpRequest, user_id: str) -> dict[str, Any]:
    """One person."""
    return one_user(user_id)


@router.post("/users/{user_id}/disable/", response=StaffUserOut)
@requires(STAFF)
def disable_user(request: HttpRequest, user_id: str) -> dict[str, Any]:
    """Keep a person out: their logins end at the next request."""
    services.set_user_active(user_id=user_id, is_active=False, caller_id=person_of(request))
    return one_user(user_id)


@router.post("/users/{user_id}/enable/", response=StaffUserOut)
@requires(STAFF)
def enable_user(request: HttpRequest, user_id: str) -> dict[str, Any]:
    """Let a person in again."""
    services.set_user_active(user_id=user_id, is_active=True, caller_id=person_of(request))
    return one_user(user_id)


@router.post("/emails/", response={202: MailingOut})
@requires(STAFF)
def send_mail(request: HttpRequest, payload: MailIn) -> tuple[int, dict[str, Any]]:
    """Send a mail to everybody whom the filters find, each address once."""
    mailing, _ = services.order_mailing(
        caller_id=person_of(request),
        subject=payload.subject,
        body=payload.body,
        audience=services.Audience(**payload.to.dict()),
    )
    return 202, queries.mailing_body(queries.mailings().get(pk=mailing.pk))


@router.get("/emails/", response=MailingListOut)
@requires(STAFF)
def list_mailings(request: HttpRequest, query: Query[PageQuery]) -> dict[str, Any]:
    """Mailings and how far they are, newest first."""
    page = paginate(queries.mailings(), query)
    return page_body(page, [queries.mailing_body(row) for row in page.items])


@router.get("/dead-letters/", response=LetterListOut)
@requires(STAFF)
def list_letters(request: HttpRequest, query: Query[LetterQuery]) -> dict[str, Any]:
    """Work that was given up by a fault of ours, newest first."""
    page = paginate(queries.letters(query.task, query.tenant), query)
    return page_body(page, [queries.letter_body(row) for row in page.items])


@router.post("/dead-letters/{ticket_id}/rerun/", response={202: None})
@requires(STAFF)
def rerun_letter(request: HttpRequest, ticket_id: str) -> tuple[int, None]:
    """Run it again: a failed job as a new round, anything else where it stood."""
    services.rerun_letter(ticket_id=ticket_id)
    return 202, None
