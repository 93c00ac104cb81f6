"""Critical changes go into the tenant's sealed trail, last in their transaction."""

from __future__ import annotations

from typing import Any


def record(
    action: str,
    target: str,
    changes: dict[str, Any] | None = None,
    *,
    schema_name: str = "",
    actor_id: str | None = None,
) -> None:
    """Placeholder until platform/audit is merged."""
