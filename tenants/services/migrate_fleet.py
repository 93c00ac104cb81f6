"""Migrate the tenant schemas whose head differs, one by one, resumable."""

from __future__ import annotations

import logging

from django.core.management import call_command

from core.tenancy import in_public
from tenants.models import FleetState
from tenants.services.provision_schema import migration_head

log = logging.getLogger("filemill.fleet")


def migrate_fleet() -> tuple[int, int]:
    """How many were migrated, how many failed. A failed one stays as it was and is tried again."""
    head = migration_head()
    with in_public():
        behind = list(FleetState.objects.exclude(head=head).order_by("schema_name"))
    failed = sum(not migrate_one(state, head) for state in behind)
    return len(behind) - failed, failed


def migrate_one(state: FleetState, head: str) -> bool:
    """One schema; its state says how it went."""
    try:
        call_command(
            "migrate_schemas", schema_name=state.schema_name, interactive=False, verbosity=0
        )
    except Exception as error:
        log.exception("schema %s not migrated", state.schema_name)
        state.status, state.error = "failed", repr(error)[:2000]
    else:
        state.status, state.head, state.error = "ready", head, ""
    with in_public():
        state.save()
    return state.status == "ready"
