"""`/webhooks/`: endpoints, deliveries, the default secret."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from core.access import requires
from core.crypto import unseal
from core.errors import NotFound
from core.pagination import PageQuery, page_body, paginate
from webhooks import queries, services
from webhooks.schemas import (
    DeliveryDetailOut,
    DeliveryListOut,
    DeliveryQuery,
    EndpointIn,
    EndpointListOut,
    EndpointOut,
    EndpointPatch,
    EventTypesOut,
    NewEndpointOut,
    SecretOut,
)
from webhooks.terms import EVENT_TYPES

router = Router(tags=["Webhooks"])


@router.get("/default-secret/", response=SecretOut)
@requires("webhooks:read")
def default_secret(request: HttpRequest) -> dict[str, str]:
    """The secret that signs deliveries to a job's own `webhook_url`."""
    return {"secret": unseal(services.default_endpoint().secret_sealed)}


@router.get("/event-types/", response=EventTypesOut)
@requires("webhooks:read")
def event_types(request: HttpRequest) -> dict[str, Any]:
    """What an endpoint may subscribe to."""
    return {"items": EVENT_TYPES}


@router.get("/endpoints/", response=EndpointListOut)
@requires("webhooks:read")
def list_endpoints(request: HttpRequest, query: Query[PageQuery]) -> dict[str, Any]:
    """The tenant's endpoints."""
    page = paginate(queries.endpoints(), query)
    return page_body(page, [queries.endpoint_body(row) for row in page.items])


@router.post("/endpoints/", response={201: NewEndpointOut})
@requires("webhooks:write")
def create_endpoint(request: HttpRequest, payload: EndpointIn) -> tuple[int, dict[str, Any]]:
    """A new endpoint; its secret is in this answer and nowhere else."""
    endpoint, secret = services.create_endpoint(**payload.dict())
    return 201, queries.endpoint_body(endpoint, secret=secret)


@router.get("/endpoints/{endpoint_id}/", response=EndpointOut)
@requires("webhooks:read")
def get_endpoint(request: HttpRequest, endpoint_id: str) -> dict[str, Any]:
    """One endpoint."""
    endpoint = queries.endpoints().filter(pk=endpoint_id).first()
    if endpoint is None:
        raise NotFound("There is no such endpoint.")
    return queries.endpoint_body(endpoint)


@router.patch("/endpoints/{endpoint_id}/", response=EndpointOut)
@requires("webhooks:write")
def patch_endpoint(
    request: HttpRequest, endpoint_id: str, payload: EndpointPatch
) -> dict[str, Any]:
    """Change an endpoint."""
    changes = {k: v for k, v in payload.dict(exclude_unset=True).items() if v is not None}
    return queries.endpoint_body(services.change_endpoint(endpoint_id=endpoint_id, changes=changes))


@router.delete("/endpoints/{endpoint_id}/", response={204: None})
@requires("webhooks:write")
def delete_endpoint(request: HttpRequest, endpoint_id: str) -> tuple[int, None]:
    """Delete an endpoint with its deliveries."""
    services.delete_endpoint(endpoint_id=endpoint_id)
    return 204, None


@router.get("/deliveries/", response=DeliveryListOut)
@requires("webhooks:read")
def list_deliveries(request: HttpRequest, query: Query[DeliveryQuery]) -> dict[str, Any]:
    """What was sent, newest first."""
    page = paginate(queries.deliveries(query.dict(exclude={"limit", "cursor", "sort"})), query)
    return page_body(page, [queries.delivery_body(row) for row in page.items])


@router.get("/deliveries/{delivery_id}/", response=DeliveryDetailOut)
@requires("webhooks:read")
def get_delivery(request: HttpRequest, delivery_id: str) -> dict[str, Any]:
    """One delivery with its attempts."""
    delivery = queries.deliveries({}).filter(pk=delivery_id).first()
    if delivery is None:
        raise NotFound("There is no such delivery.")
    attempts = delivery.attempts.order_by("number")
    return queries.delivery_body(delivery) | {
        "attempts": [queries.attempt_body(row) for row in attempts]
    }
