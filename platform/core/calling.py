"""Who is calling, for verbs that leave a trace and never see a request."""

from __future__ import annotations

from contextvars import ContextVar, Token
from dataclasses import dataclass

from django.http import HttpRequest

REQUEST: ContextVar[HttpRequest | None] = ContextVar("filemill_request", default=None)


@dataclass(frozen=True, kw_only=True)
class Calling:
    """The call that runs in this thread; empty texts in a task."""

    request_id: str = ""
    address: str = ""
    user_agent: str = ""
    schema_name: str = ""
    user_id: str = ""
    api_key_id: str = ""


NOBODY = Calling()


def enter(request: HttpRequest) -> Token[HttpRequest | None]:
    """From here on ``calling()`` speaks of this request; give the token to ``leave``."""
    return REQUEST.set(request)


def leave(token: Token[HttpRequest | None]) -> None:
    """The request is over."""
    REQUEST.reset(token)


def calling() -> Calling:
    """The call of this thread."""
    request = REQUEST.get()
    if request is None:
        return NOBODY
    principal = getattr(request, "principal", None)
    return Calling(
        request_id=getattr(request, "request_id", ""),
        address=request.META.get("REMOTE_ADDR", ""),
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
        schema_name=(principal.schema_name if principal else "") or "",
        user_id=(principal.user_id if principal else "") or "",
        api_key_id=(principal.api_key_id if principal else "") or "",
    )


def name_actor(user_id: str) -> None:
    """Say who a call without credentials turned out to be (a login), for its activity."""
    request = REQUEST.get()
    if request is not None:
        request.actor_id = user_id  # type: ignore[attr-defined]


def name_target(id: str) -> None:
    """Say what the call is about where neither its address nor its answer does."""
    request = REQUEST.get()
    if request is not None:
        request.activity_target = id  # type: ignore[attr-defined]
