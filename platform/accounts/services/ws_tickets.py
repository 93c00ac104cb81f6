"""Tickets for WebSockets, which can't send an Authorization header: 60 seconds, once, in Redis."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass

from django.core.cache import caches
from redis.exceptions import RedisError

from accounts.terms import WS_TICKET_S
from core.errors import InvalidCredentials, ServiceUnavailable


@dataclass(frozen=True)
class SocketCaller:
    """Who opens a socket, and where."""

    user_id: str
    session_id: str | None
    tenant_slug: str | None
    schema_name: str | None


def cache_key(ticket: str) -> str:
    """Of a ticket."""
    return f"ws-ticket:{ticket}"


def issue_ws_ticket(*, caller: SocketCaller) -> str:
    """A ticket; raises ServiceUnavailable without Redis."""
    ticket = secrets.token_urlsafe(32)
    try:
        caches["platform"].set(cache_key(ticket), asdict(caller), WS_TICKET_S)
    except (RedisError, ConnectionError) as error:
        raise ServiceUnavailable("Try again in a moment.") from error
    return ticket


def use_ws_ticket(*, ticket: str) -> SocketCaller:
    """The caller of a ticket, the first time. Raises InvalidCredentials, ServiceUnavailable."""
    try:
        facts = caches["platform"].get(cache_key(ticket))
        # Redis deletes once: of two that read the ticket, one has it.
        if facts is None or not caches["platform"].delete(cache_key(ticket)):
            raise InvalidCredentials("This ticket was used or is older than a minute.")
    except (RedisError, ConnectionError) as error:
        raise ServiceUnavailable("Try again in a moment.") from error
    return SocketCaller(**facts)
