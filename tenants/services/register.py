"""A person and their first tenant, together or not at all."""

from __future__ import annotations

from django.db import transaction

from accounts import services as accounts
from core.tenancy import in_public
from tenants.services.create_tenant import create_tenant, template_sql_ready


def register(
    *, email: str, password: str, username: str | None, full_name: str, tenant_name: str | None
) -> str:
    """The new person's id. Raises Conflict, ValidationFailed."""
    template_sql_ready()
    with in_public(), transaction.atomic():
        user = accounts.register_user(
            email=email, password=password, username=username, full_name=full_name
        )
        name = tenant_name or full_name or email.partition("@")[0]
        create_tenant(name=name, owner_id=user.id)
    return user.id
