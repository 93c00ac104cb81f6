"""Reads: the trail of the current tenant, and activity by tenant or person."""

from __future__ import annotations

from typing import Any

import orjson
from django.db.models import QuerySet

from audit.models import Activity
from audit.trail.models import Entry


def activity_of(user_id: str) -> QuerySet[Activity]:
    """What a person did, in every tenant."""
    return Activity.objects.filter(user_id=user_id)


def activity_in(schema_name: str) -> QuerySet[Activity]:
    """What was done in a tenant."""
    return Activity.objects.filter(schema_name=schema_name)


def activity_body(row: Activity) -> dict[str, Any]:
    """An activity as JSON."""
    return {
        "id": row.id,
        "action": row.action,
        "route": row.route,
        "target": row.target,
        "status": row.status,
        "actor": row.user_id,
        "api_key_id": row.api_key_id or None,
        "ip": row.address,
        "user_agent": row.user_agent,
        "request_id": row.request_id,
        "created_at": row.created_at,
    }


def narrowed(rows: QuerySet[Any], actor_field: str, filters: dict[str, Any]) -> QuerySet[Any]:
    """Filters of API.md; None does not filter. ``action`` may end in ``.*``."""
    action = filters.get("action") or ""
    wanted = {
        actor_field: filters.get("actor"),
        "target": filters.get("target"),
        "created_at__gte": filters.get("since"),
        "created_at__lt": filters.get("until"),
        "action__startswith": action[:-1] if action.endswith(".*") else None,
        "action": action if action and not action.endswith(".*") else None,
    }
    return rows.filter(**{name: value for name, value in wanted.items() if value is not None})


def entries() -> QuerySet[Entry]:
    """The current tenant's trail."""
    return Entry.objects.all()


def entry_body(row: Entry) -> dict[str, Any]:
    """An entry as JSON."""
    return {
        "id": row.id,
        "sequence": row.sequence,
        "action": row.action,
        "actor": row.actor_id or None,
        "api_key_id": row.api_key_id or None,
        "target": row.target,
        "changes": orjson.loads(row.changes),
        "ip": row.address,
        "request_id": row.request_id,
        "created_at": row.created_at,
        "previous": row.previous,
        "seal": row.seal,
    }
