"""Note calls that change or take something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from audit.services import Noted, note_begin, note_end
from audit.terms import action_of

API = "/api/"


class ActivityMiddleware:
    """Innermost: it knows the caller, and a replayed answer never comes this far.

    A route that finds out who is calling (login) says so by ``core.calling.name_actor``.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Note the beginning of a known caller's call, and the end of each."""
        if not request.path_info.startswith(API):
            return self.get_response(request)
        action = action_of(request.method or "", request.path_info)
        if action is None:
            return self.get_response(request)
        known = getattr(request, "principal", None) is not None
        noted = note_begin(action, f"{request.method} {request.path_info}", spooled=known)
        response = self.get_response(request)
        self.end(request, response, noted)
        return response

    def end(self, request: HttpRequest, response: HttpResponse, noted: Noted) -> None:
        """How it ended; a stranger who was refused leaves no row."""
        actor = str(getattr(request, "actor_id", ""))
        if not noted.user_id and not actor:
            return
        match = request.resolver_match
        note_end(
            noted,
            response.status_code,
            route=f"{request.method} /{match.route}" if match else "",
            target=target_of(request, response),
            user_id=actor,
        )


def target_of(request: HttpRequest, response: HttpResponse) -> str:
    """What the work has named, else the last id in the address, else what the answer points to."""
    named = getattr(request, "activity_target", None)
    if named:
        return str(named)
    match = request.resolver_match
    ids: list[Any] = [v for v in match.kwargs.values() if v] if match else []
    if ids:
        return str(ids[-1])
    return str(response.get("Location", "")).rstrip("/").rpartition("/")[2]
