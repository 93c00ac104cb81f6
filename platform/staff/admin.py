"""Django's admin site for the platform's staff: a second factor is obligatory, rows are read-only.

What changes something goes through the verbs, as in the API. Rooms below are asked for their
models by name: they stay private to code, staff only looks at rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib import messages
from django.contrib.admin import AdminSite, ModelAdmin, action
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.models import Device

from conversions.queries import counts_by_status
from core.errors import AppError
from core.tenancy import in_tenant
from staff.forms import StaffLogin
from staff.models import Mailing
from staff.services import rerun_letter
from tenants import services as tenancy

if TYPE_CHECKING:
    Base = ModelAdmin[Any]  # generic in the stubs alone
else:
    Base = ModelAdmin


class StaffSite(AdminSite):
    """Only staff whose session has proven a second factor."""

    site_header = site_title = "Filemill staff"
    index_title = "Look; change by the actions"
    login_form = StaffLogin
    login_template = "staff/login.html"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff, active, and verified by django-otp in this session."""
        return super().has_permission(request) and has_proven(request)


def has_proven(request: HttpRequest) -> bool:
    """Whether this session's login proved a device that is in force still.

    django-otp's middleware would put ``is_verified`` on the person, where it means the address.
    """
    device = Device.from_persistent_id(request.session.get(DEVICE_ID_SESSION_KEY) or "")
    return device is not None and device.confirmed and device.user_id == request.user.pk


class ReadOnly(Base):
    """Rows to look at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nothing is made here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is changed here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is deleted here."""
        return False


class TenantAdmin(ReadOnly):
    """Tenants, with what their people and jobs come to."""

    list_display = ("slug", "name", "plan_code", "status", "members", "created_at")
    list_filter = ("plan_code", "require_mfa")
    search_fields = ("slug", "name", "memberships__user__email")
    readonly_fields = ("status", "members", "jobs")
    actions = ("suspend", "resume")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the number of members."""
        rows: QuerySet[Any] = super().get_queryset(request)
        counted: QuerySet[Any] = rows.annotate(member_count=Count("memberships"))
        return counted

    def members(self, row: Any) -> int:
        """How many people."""
        return int(row.member_count)

    def jobs(self, row: Any) -> str:
        """How many jobs in which state."""
        with in_tenant(row.schema_name):
            counts = counts_by_status()
        return ", ".join(f"{status}: {n}" for status, n in sorted(counts.items())) or "none"

    def has_suspend_permission(self, request: HttpRequest) -> bool:
        """By group: ``tenants.change_tenant``."""
        return bool(request.user.has_perm("tenants.change_tenant"))

    @action(description="Suspend", permissions=["suspend"])
    def suspend(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """Close them at their next request."""
        for row in rows:
            tenancy.suspend_tenant(tenant_id=row.pk, reason="by the admin site")

    @action(description="Resume", permissions=["suspend"])
    def resume(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """Open them again."""
        for row in rows:
            tenancy.resume_tenant(tenant_id=row.pk)


class UserAdmin(ReadOnly):
    """People; superusers decide who of them is staff, and in which groups."""

    list_display = ("username", "email", "is_active", "is_staff", "last_login", "date_joined")
    list_filter = ("is_active", "is_staff")
    search_fields = ("username", "email", "full_name")
    filter_horizontal = ("groups",)
    ordering = ("-id",)
    fields = (
        *("username", "email", "full_name", "email_verified_at", "is_active"),
        *("is_staff", "is_superuser", "groups", "last_login", "date_joined"),
    )
    granted = frozenset({"is_staff", "is_superuser", "groups"})

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Superusers, and nobody to themselves."""
        return bool(request.user.is_superuser) and (obj is None or obj.pk != request.user.pk)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """All but what a superuser grants."""
        return [name for name in self.fields if name not in self.granted]


class PlanAdmin(ReadOnly):
    """Plans and their limits."""

    list_display = ("code", "name", "month_cents", "conversions", "requests_per_hour")


class SubscriptionAdmin(ReadOnly):
    """Who is on which plan."""

    list_display = ("tenant", "plan", "conversions_override", "created_at")
    list_filter = ("plan",)
    list_select_related = ("tenant", "plan")


class MailingAdmin(ReadOnly):
    """Custom mails, made by the API."""

    list_display = ("subject", "created_at", "finished_at")


class LetterAdmin(ReadOnly):
    """Dead letters: work that was given up by a fault of ours."""

    list_display = ("id", "task", "ref", "lane", "attempts", "lost", "reason", "finished_at")
    list_filter = ("task",)
    search_fields = ("ref", "lane__schema_name")
    list_select_related = ("lane",)
    actions = ("rerun",)
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Only the dead."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.filter(state="dead")

    def has_rerun_permission(self, request: HttpRequest) -> bool:
        """By group: ``dispatch.change_ticket``."""
        return bool(request.user.has_perm("dispatch.change_ticket"))

    @action(description="Run again", permissions=["rerun"])
    def rerun(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """Each by itself; what can't be run again says why."""
        for row in rows:
            try:
                rerun_letter(ticket_id=row.pk)
            except AppError as error:
                self.message_user(request, f"{row.ref}: {error.detail}", messages.WARNING)


def model(name: str) -> type[Model]:
    """A model of a room below, by its name."""
    return apps.get_model(name)


site = StaffSite(name="admin")
site.register(model("tenants.Tenant"), TenantAdmin)
site.register(model("accounts.User"), UserAdmin)
site.register(model("billing.Plan"), PlanAdmin)
site.register(model("billing.Subscription"), SubscriptionAdmin)
site.register(Mailing, MailingAdmin)
site.register(model("dispatch.Ticket"), LetterAdmin)
site.register(Group, GroupAdmin)
