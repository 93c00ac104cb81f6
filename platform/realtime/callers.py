"""Who opens a stream: judged by the same middleware as every request, and again while it lasts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import BaseHandler
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponseBase

from accounts.services import use_ws_ticket
from accounts.tokens import access_token
from core.access import demand
from core.errors import AppError, InvalidCredentials
from realtime.threads import in_thread
from tenants.auth import authenticate

Scope = dict[str, Any]
RECHECK_S = 1.5  # between two looks at a stream's right to go on
TRUSTED_S = 1.0  # that one such answer serves every stream of the same caller
BEARER = "bearer"


@lru_cache(maxsize=1)
def handler() -> BaseHandler:
    """Django with all of its middleware."""
    made = BaseHandler()
    made.load_middleware()
    return made


def request_of(scope: Scope, path: str, headers: dict[str, str]) -> HttpRequest:
    """A GET of ``path`` with the scope's headers, some put in their place."""
    replaced = {name.lower().encode(): value.encode() for name, value in headers.items()}
    kept = [(name, value) for name, value in scope["headers"] if name not in replaced]
    http = {
        **scope,
        "type": "http",
        "method": "GET",
        "path": path,
        "headers": [*kept, *replaced.items()],
        "scheme": {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"]),
    }
    return ASGIRequest(http, BytesIO())


@dataclass(frozen=True)
class Opened:
    """The first answer, and with whose request it was won."""

    request: HttpRequest
    response: HttpResponseBase


def ask(scope: Scope, path: str, headers: dict[str, str]) -> Opened:
    """In a thread: what the API says to that request (rate limit, permission, tenant, row)."""
    request = request_of(scope, path, headers)
    return Opened(request, handler().get_response(request))


def socket_headers(scope: Scope) -> dict[str, str]:
    """In a thread: the credentials of a WebSocket as headers.

    ``?ticket=``, ``Sec-WebSocket-Protocol: bearer, <JWT>``, else a header or the session's cookie,
    which counts only from our own pages. Raises InvalidCredentials, ServiceUnavailable.
    """
    asked = parse_qs(scope.get("query_string", b"").decode(errors="replace"))
    if "ticket" in asked:
        return ticket_headers(asked["ticket"][0])
    offered = scope.get("subprotocols") or []
    if len(offered) >= 2 and offered[0].lower() == BEARER:
        tenant = asked.get("tenant")
        return {
            "Authorization": f"Bearer {offered[1]}",
            **({"X-Tenant": tenant[0]} if tenant else {}),
        }
    sent = dict(scope["headers"])
    origin = sent.get(b"origin", b"").decode(errors="replace")
    if b"authorization" not in sent and origin:
        host = sent.get(b"host", b"").decode(errors="replace")
        if urlsplit(origin).netloc.lower() != host.lower():
            raise InvalidCredentials("Open this socket from the site itself, or with a ticket.")
    return {}


def ticket_headers(ticket: str) -> dict[str, str]:
    """A used ticket as a short token of the same login, in the tenant that it was issued in."""
    caller = use_ws_ticket(ticket=ticket)
    if caller.session_id is None:
        raise InvalidCredentials("This ticket belongs to no login.")
    token = access_token(caller.user_id, caller.tenant_slug, caller.session_id, mfa=False)
    tenant = {"X-Tenant": caller.tenant_slug} if caller.tenant_slug else {}
    return {"Authorization": f"Bearer {token}", **tenant}


@dataclass(frozen=True)
class Right:
    """What a stream rests on: the caller's request, a permission, a tenant."""

    request: HttpRequest
    permission: str
    schema_name: str

    @property
    def key(self) -> tuple[str, ...]:
        """The same for every stream of the same caller."""
        headers = self.request.headers
        told = [headers.get(n, "") for n in ("Authorization", "Cookie", "X-Tenant", "Host")]
        address = self.request.META.get("REMOTE_ADDR", "")
        return (*told, address, self.permission, self.schema_name)


def holds(right: Right) -> bool:
    """In a thread: whether the caller may still read there. A database that is away is no "no"."""
    connection.set_schema_to_public()  # type: ignore[attr-defined]
    try:
        caller = authenticate(right.request)
        if caller is None or caller.schema_name != right.schema_name:
            return False
        demand(caller, right.permission)
    except AppError as error:
        return error.status >= 500
    except DatabaseError:
        return True
    return True


class Gate:
    """Asks whether rights still hold, once for all streams of a caller."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, ...], tuple[float, asyncio.Task[bool]]] = {}

    async def is_open(self, right: Right) -> bool:
        """Whether the stream may go on."""
        now = asyncio.get_running_loop().time()
        at, task = self.answers.get(right.key, (0.0, None))
        if task is None or now - at > TRUSTED_S:
            self.answers = {k: v for k, v in self.answers.items() if now - v[0] <= TRUSTED_S}
            task = asyncio.create_task(in_thread(holds, right))
            self.answers[right.key] = (now, task)
        return await asyncio.shield(task)
