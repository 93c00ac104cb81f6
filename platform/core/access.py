"""Who is calling: a Principal on the request, and the check of one permission."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from django.http import HttpRequest
from ninja.security.base import AuthBase
from ninja.utils import contribute_operation_callback

from core.errors import (
    AppError,
    AuthenticationRequired,
    MfaRequired,
    PermissionDenied,
    ScopeMissing,
)

PERMISSIONS = (
    "conversions:read",
    "conversions:write",
    "media:read",
    "media:write",
    "media:share",
    "webhooks:read",
    "webhooks:write",
    "notifications:read",
    "billing:read",
    "billing:write",
    "members:read",
    "members:write",
    "keys:read",
    "keys:write",
    "audit:read",
    "settings:write",
)
ANYONE = "anyone"  # no credentials needed
SIGNED_IN = "signed_in"  # a person, no tenant permission
INSIDE = "inside"  # any caller inside a tenant, whatever the role
STAFF = "staff"  # of the platform, with a second factor in this login
GENERAL = frozenset({ANYONE, SIGNED_IN, INSIDE, STAFF})  # what is no scope of a key


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A caller inside a tenant. ``user_id`` is the person, or the key's maker."""

    tenant_id: str | None
    tenant_slug: str | None
    schema_name: str | None
    user_id: str | None
    api_key_id: str | None = None
    is_test: bool = False
    permissions: frozenset[str] = field(default_factory=frozenset)
    plan_code: str = ""
    requests_per_hour: int | None = None
    upload_bytes: int | None = None
    session_id: str | None = None  # the login behind a token or cookie
    role: str | None = None  # the person's in this tenant; a key has none
    has_mfa: bool = False  # a second factor was proven in this login
    is_staff: bool = False
    refusal: AppError | None = None  # why the tenant that was meant is closed to the caller
    retention_hours: int | None = None  # of results: the tenant's wish or the key's
    allowed_formats: frozenset[str] | None = None  # that files may have here; None: every one


class Caller(AuthBase):
    """Ninja's auth hook: the middleware has resolved the caller, here the permission is demanded.

    Ninja asks before it reads the body, so that who may not do a thing learns nothing about it.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __init__(self, permission: str = SIGNED_IN) -> None:
        super().__init__()
        self.permission = permission

    def __call__(self, request: HttpRequest) -> Principal:
        """The principal, or the reason why they may not."""
        principal = principal_of(request)
        demand(principal, self.permission)
        return principal


def principal_of(request: HttpRequest) -> Principal:
    """The caller; raises what the middleware found wrong with the credentials."""
    refused: AppError | None = getattr(request, "auth_error", None)
    if refused is not None:
        raise refused
    principal: Principal | None = getattr(request, "principal", None)
    if principal is None:
        raise AuthenticationRequired(
            "Send `Authorization: Api-Key …` or `Authorization: Bearer …`.",
            headers={"WWW-Authenticate": 'Bearer realm="filemill"'},
        )
    return principal


def caller_if_any(request: HttpRequest) -> Principal | None:
    """The caller of an open route, if there is one; wrong credentials are refused all the same."""
    if getattr(request, "auth_error", None) is None and not getattr(request, "principal", None):
        return None
    return principal_of(request)


def person_of(request: HttpRequest) -> str:
    """The id of a person. Raises PermissionDenied for a key: it acts for nobody."""
    caller = principal_of(request)
    if caller.api_key_id or not caller.user_id:
        raise PermissionDenied("Log in as a person: an API key can't do this.")
    return caller.user_id


def demand(principal: Principal, permission: str) -> None:
    """Raise unless the principal holds the permission, inside a tenant."""
    if permission in (ANYONE, SIGNED_IN):
        return
    if permission == STAFF:
        demand_staff(principal)
        return
    if principal.refusal is not None:
        raise principal.refusal
    if principal.tenant_id is None:
        raise PermissionDenied("Name the tenant: header `X-Tenant: <slug>`, or its host.")
    if permission == INSIDE or permission in principal.permissions:
        return
    if principal.api_key_id:
        raise ScopeMissing(f"This key lacks the scope {permission}.")
    raise PermissionDenied(f"Your role lacks the permission {permission}.")


def demand_staff(principal: Principal) -> None:
    """Raise unless this is a person of the platform's staff who has proven a second factor."""
    if not principal.is_staff or principal.api_key_id:
        raise PermissionDenied("This is for the platform's staff.")
    if not principal.has_mfa:
        raise MfaRequired("Set up a second factor, then log in with its code.")


Operation = TypeVar("Operation", bound=Callable[..., Any])


def requires(permission: str) -> Callable[[Operation], Operation]:
    """Declare the permission of a route, which its `Caller` demands; a house test finds routes
    without one.
    """

    def declare(operation: Operation) -> Operation:
        operation.permission = permission  # type: ignore[attr-defined]
        if permission != ANYONE:
            contribute_operation_callback(operation, partial(guard, permission=permission))
        return operation

    return declare


def guard(route: Any, *, permission: str) -> None:
    """Give a route the caller that it demands, whatever its router or API would have given it."""
    route.auth_param = route.auth_callbacks = [Caller(permission)]
