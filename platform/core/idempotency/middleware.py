"""Idempotency-Key on unsafe calls inside a tenant."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from core.errors import AppError, invalid
from core.idempotency import services
from core.problems import render

UNSAFE = frozenset({"POST", "PATCH", "DELETE", "PUT"})


class IdempotencyMiddleware:
    """Runs inside the tenant's schema; callers without a tenant have no keys."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Replay, refuse, or answer and remember."""
        key = request.headers.get("Idempotency-Key")
        principal = getattr(request, "principal", None)
        if not key or request.method not in UNSAFE or not (principal and principal.schema_name):
            return self.get_response(request)
        try:
            if not 1 <= len(key) <= 255 or not key.isprintable():
                raise invalid("Idempotency-Key", "Use 1 to 255 printable characters.")
            record = services.claim(key, services.fingerprint(request))
        except AppError as error:
            return render(request, error)
        if record is not None:
            return services.replay(record)
        return self.answer(request, key)

    def answer(self, request: HttpRequest, key: str) -> HttpResponse:
        """The first answer; a fault gives the key back."""
        try:
            response = self.get_response(request)
        except BaseException:
            services.forget(key)
            raise
        services.remember(key, response)
        return response
