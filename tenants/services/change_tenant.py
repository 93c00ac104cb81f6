"""Change what a tenant says of itself and demands of its people."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from django.db import transaction

from audit.services import record
from core.errors import invalid
from tenants.models import Tenant
from tenants.services.keep_keys import look_again
from tenants.terms import BRANDING

COLOUR = re.compile(r"^#[0-9a-fA-F]{6}$")
FORMAT = re.compile(r"^[a-z0-9][a-z0-9_.+-]{0,19}$")
FIELDS = ("name", "branding", "retention_hours", "require_mfa", "allowed_formats")


@transaction.atomic
def change_tenant(*, tenant_id: str, wanted: dict[str, Any]) -> Tenant:
    """Put the fields that ``wanted`` names, in force at the next request. Raises ValidationFailed.

    Fields: name, branding, retention_hours (None: the plan's), require_mfa, allowed_formats
    (None: every one).
    """
    tenant: Tenant = Tenant.objects.select_for_update().get(pk=tenant_id)
    before = {field: getattr(tenant, field) for field in FIELDS}
    for field, value in wanted.items():
        setattr(tenant, field, CLEANERS.get(field, same)(value))
    tenant.save(update_fields=list(FIELDS))
    changes = {
        field: [before[field], getattr(tenant, field)]
        for field in FIELDS
        if before[field] != getattr(tenant, field)
    }
    if changes:
        look_again(tenant_id=tenant_id)
        record(action="tenant.changed", target=tenant_id, changes=changes)
    return tenant


def same(value: Any) -> Any:
    """A value that needs no care."""
    return value


def clean_name(value: str | None, field: str = "name") -> str:
    """A name of one line with something in it: it stands in the subjects of mails."""
    name = " ".join((value or "").split())
    if not name or not name.isprintable():
        raise invalid(field, "Name the tenant.")
    return name


def clean_branding(value: dict[str, str] | None) -> dict[str, str]:
    """Known words only; a colour as #rrggbb, an address by https."""
    branding = value or {}
    for key, text in branding.items():
        if key not in BRANDING:
            raise invalid(f"branding.{key}", f"Known are: {', '.join(BRANDING)}.")
        if not isinstance(text, str) or len(text) > 500 or not text.isprintable():
            raise invalid(f"branding.{key}", "Send a text of at most 500 characters.")
        if key == "color" and not COLOUR.match(text):
            raise invalid("branding.color", "Send a colour as #rrggbb.")
        if key.endswith("_url") and not text.startswith("https://"):
            raise invalid(f"branding.{key}", "Send an address that begins with https://.")
    return branding


def clean_formats(value: Collection[str] | None) -> list[str] | None:
    """Codes of formats, each once."""
    if value is None:
        return None
    codes = sorted({code.strip().lower().lstrip(".") for code in value})
    odd = [code for code in codes if not FORMAT.match(code)]
    if odd or not codes:
        raise invalid("allowed_formats", "Send codes such as pdf, or null for every format.")
    return codes


CLEANERS: dict[str, Callable[[Any], Any]] = {
    "name": clean_name,
    "branding": clean_branding,
    "allowed_formats": clean_formats,
}
