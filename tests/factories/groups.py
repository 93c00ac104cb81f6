"""Batches and pipelines' runs, made through the API; their jobs worked off without an engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.client import PNG
from tests.factories.tenants import Tenant

STEPS = {
    "in": {"operation": "import/upload"},
    "out": {"operation": "convert", "input": "in", "output_format": "webp"},
}


def make_batch(tenant: Tenant, count: int = 3, to: str = "webp", **fields: str) -> dict[str, Any]:
    """A pending batch of pictures, as the API answers it."""
    files = [("files", (f"picture-{n}.png", PNG)) for n in range(count)]
    reply = tenant.api.upload("conversions/batch-convert/", files, {"output_format": to, **fields})
    assert reply.status == 202, reply.body
    made: dict[str, Any] = reply.json
    return made


def make_run(
    tenant: Tenant, steps: dict[str, Any] | None = None, *, count: int = 1, **fields: str
) -> dict[str, Any]:
    """A run whose step `in` takes `count` pictures, as the API answers it."""
    files = [("in", (f"picture-{n}.png", PNG)) for n in range(count)]
    reply = tenant.api.upload(
        "conversions/pipelines/", files, {"steps": json.dumps(steps or STEPS), **fields}
    )
    assert reply.status == 202, reply.body
    made: dict[str, Any] = reply.json
    return made


def advance_runs(tenant: Tenant) -> int:
    """Do every open ticket that moves a run on, as a worker would. Returns how many."""
    from conversions.services import advance_pipeline
    from core.tenancy import in_tenant
    from dispatch.models import Ticket

    tickets = Ticket.objects.filter(
        task="conversions.advance_pipeline",
        lane_id=tenant.schema,
        state__in=["waiting", "sent"],
    )
    ids = list(tickets.values_list("id", flat=True))
    with in_tenant(tenant.schema):
        for ticket in ids:
            advance_pipeline(ticket_id=ticket)
    return len(ids)


def batch_of(tenant: Tenant, batch_id: str) -> dict[str, Any]:
    """The batch as the API shows it now."""
    body: dict[str, Any] = tenant.api.get(f"conversions/batches/{batch_id}/").json
    return body


def run_of(tenant: Tenant, run_id: str) -> dict[str, Any]:
    """The run as the API shows it now."""
    body: dict[str, Any] = tenant.api.get(f"conversions/pipelines/{run_id}/").json
    return body


def jobs_of(run: dict[str, Any], step: str) -> list[str]:
    """Ids of a step's jobs, in order."""
    return list(run["steps"][step]["jobs"])


def no_folder_left(storage: Path, tenant: Tenant, run_id: str) -> bool:
    """Whether the imported files of a run are gone."""
    return not (storage / tenant.schema / "pipelines" / run_id).exists()
