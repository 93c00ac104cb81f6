"""`/notifications/`: the feed of the person who asks."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from core.access import principal_of, requires
from core.doorbell import Spot
from core.errors import NotAcceptable
from core.following import EVENT_STREAM, STREAMED, Followed
from core.pagination import page_body, paginate
from core.tenancy import require_tenant
from notifications import queries, services
from notifications.schemas import CountOut, FeedQuery, NotificationListOut, NotificationOut

router = Router(tags=["Notifications"])
EVENTS: dict[str, Any] = {
    "responses": {200: {"content": {"text/event-stream": {"schema": STREAMED}}}}
}


def person(request: HttpRequest) -> str:
    """The id of the caller."""
    return principal_of(request).user_id or ""


@router.get("/", response=NotificationListOut)
@requires("notifications:read")
def list_notifications(request: HttpRequest, query: Query[FeedQuery]) -> dict[str, Any]:
    """The feed, newest first."""
    rows = queries.feed(person(request), unread=query.unread, kind=query.kind)
    page = paginate(rows, query)
    return page_body(page, [queries.notification_body(row) for row in page.items])


@router.get("/unread-count/", response=CountOut)
@requires("notifications:read")
def unread_count(request: HttpRequest) -> dict[str, int]:
    """How many are unread."""
    return {"count": queries.unread_count(person(request))}


@router.get("/events/", openapi_extra=EVENTS)
@requires("notifications:read")
def events(request: HttpRequest) -> HttpResponse:
    """Server-Sent Events: `unread_count` at once and at every change, and each `notification`.

    Only for who asks for `text/event-stream`: whoever reads every address of the API to its end
    would never be done with this one.
    """
    if EVENT_STREAM not in request.headers.get("Accept", ""):
        raise NotAcceptable(f"This is a stream: ask for it with `Accept: {EVENT_STREAM}`.")
    count = {"type": "unread_count", "count": queries.unread_count(person(request))}
    spot = Spot("feed", require_tenant(), person(request))
    return Followed(spot, "notifications:read", count)


@router.post("/read-all/", response=CountOut)
@requires("notifications:read")
def read_all(request: HttpRequest) -> dict[str, int]:
    """Mark all as read; answers how many were not."""
    return {"count": services.mark_all_read(user_id=person(request))}


@router.post("/{notification_id}/read/", response=NotificationOut)
@requires("notifications:read")
def read(request: HttpRequest, notification_id: str) -> dict[str, Any]:
    """Mark one as read."""
    row = services.mark_read(user_id=person(request), notification_id=notification_id)
    return queries.notification_body(row)
