"""The outermost layer: request id, caller's address, secure headers, problem+json everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from core import calling
from core.env import env
from core.errors import AppError, MalformedRequest, MethodNotAllowed, NotFound
from core.ids import new_id
from core.problems import CONTENT_TYPE, render, render_unexpected

VALID_ID = re.compile(r"^[A-Za-z0-9._-]{1,128}$")
API = "/api/"
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Swagger and the pages draw small pictures from data; the ReDoc page has a policy of its own.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
}
PLAIN_FAULTS: dict[int, type[AppError]] = {
    400: MalformedRequest,
    404: NotFound,
    405: MethodNotAllowed,
}


class RequestMiddleware:
    """First in, last out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Name the request, answer it, dress the answer."""
        name_request(request)
        token = calling.enter(request)
        try:
            request.get_host()
            response = self.get_response(request)
        except DisallowedHost:
            response = render(request, MalformedRequest("This host is not served."))
        finally:
            calling.leave(token)
        if request.path_info.startswith(API):
            response = as_problem(request, response)
            if not response.has_header("X-Accel-Redirect"):  # the front would send both
                response.setdefault("Cache-Control", "no-store")
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        for name, value in SAFE_HEADERS.items():
            response.setdefault(name, value)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Faults outside of ninja (a middleware, a page): still no trace, no HTML under the API."""
        if not request.path_info.startswith(API):
            return None
        if isinstance(error, AppError):
            return render(request, error)
        return render_unexpected(request, error)


class BrowserSessionMiddleware(SessionMiddleware):
    """A session for whoever may have one: not for a read that brings other credentials."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Around the answer, or past it."""
        if (
            request.method == "GET"
            and "HTTP_AUTHORIZATION" in request.META
            and request.path_info.startswith(API)
        ):
            return cast("HttpResponse", self.get_response(request))
        return cast("HttpResponse", super().__call__(request))


def name_request(request: HttpRequest) -> None:
    """The caller's request id if it is a valid one, and the caller's address behind our proxy."""
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    request.request_id = given if VALID_ID.match(given) else new_id("req")  # type: ignore[attr-defined]
    if env().site.trust_forwarded:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").rsplit(",", 1)[-1].strip()
        if forwarded:
            request.META["REMOTE_ADDR"] = forwarded


def as_problem(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Django's own plain answers (unknown path, wrong method, bad host) as problems."""
    if (
        response.status_code < 400
        or response.status_code == 416
        or response.get("Content-Type", "").startswith(CONTENT_TYPE)
    ):
        return response
    error = PLAIN_FAULTS.get(response.status_code)
    if error is None:
        return render_unexpected(request, RuntimeError(f"plain answer {response.status_code}"))
    problem = render(request, error())
    for name in ("Allow", "RateLimit", "RateLimit-Policy"):
        if response.has_header(name):
            problem[name] = response[name]
    return problem
