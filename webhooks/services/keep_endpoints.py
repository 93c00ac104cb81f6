"""Make, change and delete endpoints; the default secret of job webhooks."""

from __future__ import annotations

from django.db import transaction

from core.crypto import seal
from core.errors import NotFound, invalid
from core.http import judge_url
from webhooks.models import Endpoint
from webhooks.signing import is_secret, new_secret
from webhooks.terms import EVENT_TYPES, EVERYTHING


def check_events(events: list[str]) -> list[str]:
    """The patterns, or ValidationFailed for one that no event has."""
    for pattern in events:
        if pattern != EVERYTHING and not any(fits(pattern, type) for type in EVENT_TYPES):
            raise invalid("events", f"No event is called {pattern}.")
    return list(dict.fromkeys(events)) or [EVERYTHING]


def fits(pattern: str, type: str) -> bool:
    """``job.*`` fits every job event, ``*`` every event."""
    if pattern in (EVERYTHING, type):
        return True
    return pattern.endswith(".*") and type.startswith(pattern[:-1])


def create_endpoint(
    *,
    url: str,
    events: list[str],
    description: str = "",
    enabled: bool = True,
    secret: str | None = None,
) -> tuple[Endpoint, str]:
    """The endpoint and its secret, shown once. Raises UrlForbidden, ValidationFailed."""
    judge_url(url, webhook=True)
    if secret is not None and not is_secret(secret):
        raise invalid("secret", "Use whsec_ and 24 to 64 bytes in base64, or leave it out.")
    secret = secret or new_secret()
    endpoint = Endpoint.objects.create(
        url=url,
        events=check_events(events),
        description=description,
        is_enabled=enabled,
        secret_sealed=seal(secret),
    )
    return endpoint, secret


def change_endpoint(*, endpoint_id: str, changes: dict[str, object]) -> Endpoint:
    """Change url, events, description or enabled. Raises NotFound, UrlForbidden."""
    with transaction.atomic():
        endpoint = (
            Endpoint.objects.select_for_update()
            .filter(pk=endpoint_id, is_default_secret=False)
            .first()
        )
        if endpoint is None:
            raise NotFound("There is no such endpoint.")
        if "url" in changes:
            judge_url(str(changes["url"]), webhook=True)
            endpoint.url = str(changes["url"])
        if "events" in changes:
            endpoint.events = check_events(list(changes["events"]))  # type: ignore[call-overload]
        if "description" in changes:
            endpoint.description = str(changes["description"])
        if "enabled" in changes:
            endpoint.is_enabled = bool(changes["enabled"])
            endpoint.disabled_reason = ""
        endpoint.save()
    return endpoint


def delete_endpoint(*, endpoint_id: str) -> None:
    """Delete an endpoint with its deliveries. Raises NotFound."""
    deleted, _ = Endpoint.objects.filter(pk=endpoint_id, is_default_secret=False).delete()
    if not deleted:
        raise NotFound("There is no such endpoint.")


def default_endpoint() -> Endpoint:
    """The bearer of the tenant's default secret, made when first asked for."""
    found = Endpoint.objects.filter(is_default_secret=True).first()
    if found is None:
        Endpoint.objects.bulk_create(
            [Endpoint(url="", is_default_secret=True, secret_sealed=seal(new_secret()))],
            ignore_conflicts=True,
        )
        found = Endpoint.objects.get(is_default_secret=True)
    return found
