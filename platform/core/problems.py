"""problem+json (RFC 9457): the one place that turns an error into an answer."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from typing import Any, cast

import orjson
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from core.errors import (
    AppError,
    AuthenticationRequired,
    FieldProblem,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    ServiceUnavailable,
    ValidationFailed,
)

log = logging.getLogger("filemill.problems")
CONTENT_TYPE = "application/problem+json"
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
Handler = Callable[[HttpRequest, Any], HttpResponse]


def problem(error: AppError, request_id: str = "") -> dict[str, Any]:
    """The document of API.md "Every error"."""
    return {
        "type": f"/problems/{error.code}",
        "title": error.title(),
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        "request_id": request_id,
        "retryable": error.retryable,
        "errors": [vars(item) for item in error.errors],
        **error.extra,
    }


def render(request: HttpRequest, error: AppError) -> HttpResponse:
    """The answer for an error, with its headers."""
    body = orjson.dumps(problem(error, getattr(request, "request_id", "")))
    answer = HttpResponse(body, status=error.status, content_type=CONTENT_TYPE)
    for name, value in error.headers.items():
        answer[name] = value
    return answer


def from_validation(error: ValidationError) -> AppError:
    """Ninja's complaint about the payload → 422, or 400 where the body was no JSON at all."""
    fields = []
    for item in error.errors:
        place = field_of([str(part) for part in item.get("loc", ())])
        fields.append(FieldProblem(place, str(item.get("type", "invalid")), item["msg"]))
    summary = "; ".join(f"{item.field}: {item.message}" for item in fields)
    return ValidationFailed(summary, errors=fields)


def field_of(place: list[str]) -> str:
    """A field as the caller sent it: ninja puts the source before it, and our argument's name
    between the two where the body is one object.
    """
    inner = place[2:] if place[:1] == ["body"] else place[1:]
    return ".".join(inner) or "body"


def from_unexpected(error: BaseException) -> AppError:
    """A fault that nobody foresaw, or a database that is away."""
    if isinstance(error, OperationalError | InterfaceError):
        return ServiceUnavailable(
            "The database does not answer. Try again.", headers={"Retry-After": "5"}
        )
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return no_room()
    if isinstance(error, DataError):  # a zero byte, a number out of range
        return ValidationFailed("A value in the request can't be stored.")
    return AppError("An unexpected error. It was logged under the request id.")


def no_room() -> ServiceUnavailable:
    """The storage is full: nothing was taken, and later there may be room."""
    return ServiceUnavailable(
        "The storage is full. Nothing was stored; try again later.", headers={"Retry-After": "60"}
    )


def render_unexpected(request: HttpRequest, error: BaseException) -> HttpResponse:
    """Log with the request id, answer without a trace."""
    log.error(
        "unexpected error", exc_info=error, extra={"request_id": getattr(request, "request_id", "")}
    )
    return render(request, from_unexpected(error))


def install(api: NinjaAPI) -> None:
    """Hang every renderer into the API."""
    api.add_exception_handler(AppError, rendered(lambda error: error))
    api.add_exception_handler(ValidationError, rendered(from_validation))
    api.add_exception_handler(AuthenticationError, rendered(lambda _: AuthenticationRequired()))
    api.add_exception_handler(Http404, rendered(lambda _: NotFound()))
    api.add_exception_handler(HttpError, rendered(from_http_error))
    api.add_exception_handler(Exception, cast("Handler", render_unexpected))


def rendered(translate: Callable[[Any], AppError]) -> Handler:
    """A handler that renders what an error means to us."""
    return lambda request, error: render(request, translate(error))


def from_http_error(error: HttpError) -> AppError:
    """Ninja's own errors: an unreadable body, a wrong method."""
    return MethodNotAllowed() if error.status_code == 405 else MalformedRequest(str(error))
