"""The whole OpenAPI, route by route: a permission is declared, and holds for people and keys."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest

from config.openapi import declared
from core.access import ANYONE, GENERAL, INSIDE, PERMISSIONS, SIGNED_IN, STAFF, Principal
from core.errors import AppError
from tests.client import Api

METHODS = ("get", "post", "put", "patch", "delete")
ALL = frozenset(PERMISSIONS)


def caller(permissions: frozenset[str], **more: Any) -> Principal:
    """Somebody inside a tenant."""
    facts = {"tenant_id": "ten_x", "tenant_slug": "x", "schema_name": "x", "user_id": "usr_x"}
    return Principal(permissions=permissions, **{**facts, **more})


def outsider(**more: Any) -> Principal:
    """Somebody who is logged in, in no tenant."""
    return caller(frozenset(), tenant_id=None, schema_name=None, **more)


def refusal(route: Any, principal: Principal | None) -> str:
    """The code that a route answers a caller with before it reads the body."""
    request: Any = HttpRequest()
    request.principal, request.auth_error = principal, None
    try:
        for check in route.auth_callbacks:
            check(request)
    except AppError as error:
        return error.code
    return "let in"


def test_every_route_of_the_openapi_declares_its_permission(visitor: Api) -> None:
    shown = {
        (method, path): operation.get("x-permission")
        for path, found in visitor.get("/swagger.json").json["paths"].items()
        for method, operation in found.items()
        if method in METHODS
    }

    assert len(shown) >= 80
    assert [route for route, permission in shown.items() if permission is None] == []
    assert set(shown.values()) <= {*PERMISSIONS, *GENERAL}
    assert {(method, path) for method, path, _ in declared()} == set(shown)


def test_every_route_refuses_who_lacks_its_permission_person_and_key_alike(
    capsys: pytest.CaptureFixture[str],
) -> None:
    checked = 0
    for method, path, route in declared():
        needed = route.view_func.permission
        place = (method, path)
        if needed == ANYONE:
            assert refusal(route, None) == "let in", place
            continue
        assert refusal(route, None) == "authentication_required", place
        if needed == STAFF:
            key = caller(ALL, api_key_id="key_x", is_staff=True, has_mfa=True)
            assert refusal(route, caller(ALL, has_mfa=True)) == "permission_denied", place
            assert refusal(route, key) == "permission_denied", place
            assert refusal(route, caller(ALL, is_staff=True)) == "mfa_required", place
        elif needed == INSIDE:
            assert refusal(route, outsider()) == "permission_denied", place
        elif needed != SIGNED_IN:
            assert refusal(route, caller(ALL - {needed})) == "permission_denied", place
            key = caller(ALL - {needed}, api_key_id="key_x")
            assert refusal(route, key) == "scope_missing", place
            assert refusal(route, outsider()) == "permission_denied", place
        checked += 1

    with capsys.disabled():
        print(f"\n  {checked} routes refuse who lacks their permission", end=" ")  # noqa: T201
    assert checked >= 65
