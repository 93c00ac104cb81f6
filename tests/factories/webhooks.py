"""Endpoints, made through the API."""

from __future__ import annotations

from typing import Any

from tests.factories.tenants import Tenant


def make_endpoint(
    tenant: Tenant, url: str, *, events: tuple[str, ...] = ("job.*",)
) -> dict[str, Any]:
    """An endpoint with its secret, as the API answers it."""
    reply = tenant.api.post("webhooks/endpoints/", {"url": url, "events": list(events)})
    assert reply.status == 201, reply.body
    made: dict[str, Any] = reply.json
    return made
