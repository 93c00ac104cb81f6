"""Idempotency-Key on unsafe calls inside a tenant."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

from django.conf import settings
from django.db import DatabaseError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import resolve
from ninja.operation import Operation, PathView

from core.errors import AppError, invalid
from core.idempotency import services
from core.problems import NO_ROOM, no_room, render, render_unexpected

UNSAFE = frozenset({"POST", "PATCH", "DELETE"})  # API.md; a PUT says the same twice anyway


class IdempotencyMiddleware:
    """Runs inside the tenant's schema; callers without a tenant have no keys.

    The work and its answer are one transaction: a process that dies between them did neither or
    both. Calls that wait for other processes can't be; they keep their answer by ``keep_answer``
    in the transaction that does the work.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Replay, refuse, or answer and remember."""
        key = request.META.get("HTTP_IDEMPOTENCY_KEY")
        principal = getattr(request, "principal", None)
        if not key or request.method not in UNSAFE or not (principal and principal.schema_name):
            return self.get_response(request)
        route = route_of(request)
        if route is None:
            return self.get_response(request)
        try:
            replayed = self.look_up(request, route, key)
        except AppError as error:
            return render(request, error)
        except OSError as error:  # the body is read here first: its files may find the disk full
            if error.errno not in NO_ROOM:
                raise
            return render(request, no_room())
        return replayed or self.answer(request, key)

    def look_up(self, request: HttpRequest, route: Operation, key: str) -> HttpResponse | None:
        """The answer of the first call; None: this is it, and the key is claimed."""
        # Who may not do it is not told how it ended when somebody else did.
        for demand in route.auth_callbacks:
            demand(request)
        if not 1 <= len(key) <= 255 or not key.isprintable():
            raise invalid("Idempotency-Key", "Use 1 to 255 printable characters.")
        record = services.claim(key, services.fingerprint(request))
        return services.replay(record) if record is not None else None

    def answer(self, request: HttpRequest, key: str) -> HttpResponse:
        """The first answer; a fault gives the key back."""
        whole = not settings.IDEMPOTENCY_OWN_TRANSACTION.match(request.path_info)
        try:
            with transaction.atomic() if whole else nullcontext():
                response = self.get_response(request)
                if whole and response.status_code >= 500:
                    transaction.set_rollback(True)
                else:
                    services.remember(key, response)
        except DatabaseError as error:  # the commit itself
            response = render_unexpected(request, error)
        except BaseException:
            services.forget(key)
            raise
        if response.status_code >= 500:
            services.forget(key)
        return response


def route_of(request: HttpRequest) -> Operation | None:
    """The route that takes this call: 404 and 405 say what is wrong before a key's 422 does."""
    try:
        view = resolve(request.path_info, getattr(request, "urlconf", None)).func
    except Http404:
        return None
    # Ninja's view is a closure over its PathView and tells its methods by no other way.
    held = [cell.cell_contents for cell in getattr(view, "__closure__", None) or ()]
    routes = [one for found in held if isinstance(found, PathView) for one in found.operations]
    return next((one for one in routes if request.method in one.methods), None)
