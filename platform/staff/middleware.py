"""People and messages for the admin site alone: no other request pays for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.http import HttpRequest, HttpResponse

Answer = Callable[[HttpRequest], HttpResponse]
ADMIN = "/admin/"


class AdminMiddleware:
    """What Django's admin wants around it, for its addresses only."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response
        inner = AuthenticationMiddleware(MessageMiddleware(get_response))
        self.admin = cast("Answer", inner)  # answers at once: what is inside is no coroutine

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Through the chain, or past it."""
        if request.path_info.startswith(ADMIN):
            return self.admin(request)
        return self.get_response(request)
