"""Create a tenant with its owner, host, lane and schema, ready within the request."""

from __future__ import annotations

import re
import unicodedata

from django.db import IntegrityError, transaction
from django.utils.crypto import get_random_string

import dispatch.services as dispatch
from core.env import env
from core.errors import Conflict, invalid
from core.tenancy import in_public
from tenants.models import Domain, Membership, Tenant
from tenants.services.change_tenant import clean_name
from tenants.services.keep_roles import create_builtin_roles
from tenants.services.provision_schema import new_schema_name, provision_schema, template_sql
from tenants.terms import RESERVED_SLUGS, SLUG_PATTERN, RoleName

FREE_SLOTS, FREE_WEIGHT = 2, 1  # until billing says otherwise
TRIES = 5  # of a free slug


def slug_of(name: str) -> str:
    """A host label from a name: ASCII, lower case, at most 40 characters."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:40].strip("-")
    return slug or f"team-{get_random_string(6).lower()}"


def create_tenant(*, name: str, owner_id: str, slug: str | None = None) -> Tenant:
    """The tenant, on the Free plan. Raises Conflict when the wanted slug is taken."""
    name = clean_name(name, field="tenant_name")
    template_sql_ready()
    wanted = slug or slug_of(name)
    if not SLUG_PATTERN.match(wanted):
        raise invalid("slug", "Use lower-case letters, digits and hyphens.")
    for _ in range(TRIES):
        if wanted not in RESERVED_SLUGS:
            try:
                return insert_tenant(name=name, slug=wanted, owner_id=owner_id)
            except IntegrityError as error:
                if slug or ("slug" not in str(error) and "domain" not in str(error)):
                    raise Conflict("This name is taken.") from error
        wanted = f"{slug_of(name)}-{get_random_string(5).lower()}"
    raise Conflict("This name is taken.")


def template_sql_ready() -> None:
    """Make the template's dump before the transaction opens."""
    with in_public():
        template_sql()


def insert_tenant(*, name: str, slug: str, owner_id: str) -> Tenant:
    """All rows and the schema, in one transaction."""
    with in_public(), transaction.atomic():
        tenant = Tenant(schema_name=new_schema_name(), slug=slug, name=name[:200])
        tenant.save()
        Domain.objects.create(
            domain=f"{slug}.{env().site.base_domain}", tenant=tenant, is_primary=True
        )
        roles = create_builtin_roles(tenant)
        Membership.objects.create(tenant=tenant, user_id=owner_id, role=roles[RoleName.OWNER])
        dispatch.set_lane(schema_name=tenant.schema_name, weight=FREE_WEIGHT, slots=FREE_SLOTS)
        provision_schema(schema_name=tenant.schema_name)
    return tenant
