"""Where a request gets its tenant: credentials → principal → schema, cleared after."""

from __future__ import annotations

import random
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse

from core import limits
from core.errors import AppError
from core.problems import from_unexpected, render
from tenants.auth import authenticate, recall
from tenants.errors import SchemaMixedUp
from tenants.identity.models import Identity
from tenants.services.count_usage import count_call

API = "/api/"
SAMPLED = 0.01  # share of the requests whose schema is compared with its identity row


class TenantMiddleware:
    """For API paths: caller, rate limit, schema. Everything else runs in public."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Enter, answer, leave."""
        connection.set_schema_to_public()  # type: ignore[attr-defined]
        if not request.path_info.startswith(API):
            return self.get_response(request)
        try:
            return self.answer(request)
        finally:
            connection.set_schema_to_public()  # type: ignore[attr-defined]

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Resolve the caller, count the request, run it in the caller's schema."""
        usage = count_and_resolve(request)
        try:
            if usage is not None:
                limits.refuse_over(usage)
            limits.refuse_upload_flood(request, request.principal)  # type: ignore[attr-defined]
            enter_schema(request)
            response = self.get_response(request)
        except AppError as error:
            response = render(request, error)
        if usage is not None:
            limits.add_headers(response, usage)
        count_use(request, response)
        return response


def count_use(request: HttpRequest, response: HttpResponse) -> None:
    """Note the call of a key; written later, off the hot path."""
    principal = request.principal  # type: ignore[attr-defined]
    if principal is not None and principal.api_key_id:
        count_call(key_id=principal.api_key_id, status=response.status_code)


def count_and_resolve(request: HttpRequest) -> limits.Usage | None:
    """Caller and count. For a key that is remembered, one round trip tells both.

    It is counted for the tenant that the key is remembered with, which never changes; should its
    limit have changed meanwhile, the request counts under the new one.
    """
    known = recall(request)
    if known is None:
        resolve_caller(request)
        return limits.count_request(request, request.principal)  # type: ignore[attr-defined]
    expected, stamp = known
    usage = limits.count_request(request, expected, stamp=stamp)
    resolve_caller(request)
    principal = request.principal  # type: ignore[attr-defined]
    if principal is not None and principal.requests_per_hour != expected.requests_per_hour:
        usage = limits.count_request(request, principal)
    return usage


def resolve_caller(request: HttpRequest) -> None:
    """Put ``principal`` or ``auth_error`` on the request; routes without auth don't mind either."""
    request.principal = request.auth_error = None  # type: ignore[attr-defined]
    try:
        request.principal = authenticate(request)  # type: ignore[attr-defined]
    except (AppError, OperationalError, InterfaceError) as error:
        reason = error if isinstance(error, AppError) else from_unexpected(error)
        request.auth_error = reason  # type: ignore[attr-defined]


def enter_schema(request: HttpRequest) -> None:
    """Switch the connection, and now and then prove that it is the right one."""
    principal = request.principal  # type: ignore[attr-defined]
    if principal is None or principal.schema_name is None:
        return
    request.upload_limit = principal.upload_bytes  # type: ignore[attr-defined]
    connection.set_schema(principal.schema_name)  # type: ignore[attr-defined]
    if random.random() < SAMPLED:  # noqa: S311 - sampling, no secret
        check_identity(principal.schema_name)


def check_identity(schema_name: str) -> None:
    """Raise SchemaMixedUp when the schema we see is not the schema we asked for."""
    seen = Identity.objects.values_list("schema_name", flat=True).first()
    if seen != schema_name:
        raise SchemaMixedUp(f"wanted {schema_name}, saw {seen}")
