"""swagger.json and the pages that show it, with assets of our own."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from config.api import api
from core.openapi import (
    ALWAYS,
    AUTHENTICATED,
    COMPONENTS,
    CONDITIONAL,
    DOWNLOAD,
    NAMED,
    SECURITY,
    SECURITY_SCHEMES,
    UNSAFE,
    reference,
)

METHODS = ("get", "post", "put", "patch", "delete")


@lru_cache(maxsize=1)
def document() -> bytes:
    """The description as it is sent; routes do not change while a process lives."""
    schema: dict[str, Any] = orjson.loads(
        orjson.dumps(api.get_openapi_schema(), default=str, option=orjson.OPT_NON_STR_KEYS)
    )
    routes = {(method, path): route for method, path, route in declared()}
    for path, method, operation in operations(schema):
        operation["x-permission"] = routes[method, path].view_func.permission
        dress(path, method, operation)
    components = schema.setdefault("components", {})
    components["securitySchemes"] = SECURITY_SCHEMES
    for kind, parts in COMPONENTS.items():
        components.setdefault(kind, {}).update(parts)
    return orjson.dumps(schema)


def declared() -> Iterator[tuple[str, str, Any]]:
    """Method, path and ninja's operation of every route."""
    for prefix, router in api._routers:  # noqa: SLF001 - ninja has no other way
        for path, found in router.path_operations.items():
            address = re.sub(r"{\w+:", "{", f"/api/v1/{prefix}/{path}")
            for operation in found.operations:
                for method in operation.methods:
                    yield method.lower(), re.sub("/+", "/", address), operation


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of every route."""
    for path, methods in schema["paths"].items():
        for method in METHODS:
            if method in methods:
                yield path, method, methods[method]


def dress(path: str, method: str, operation: dict[str, Any]) -> None:
    """Add what holds for every route of a kind: problems, conditional answers, who may call."""
    answers: dict[str, Any] = operation["responses"]
    if operation.get("security"):
        operation["security"] = SECURITY
        if method != "get":
            operation.setdefault("parameters", []).append(reference("parameters", "IdempotencyKey"))
    if path.endswith("/download/"):
        answers.update(DOWNLOAD)
    elif method == "get" and answers.get("200", {}).get("content"):
        answers.update(CONDITIONAL)
    for status in sorted(problems(path, method, is_open=not operation.get("security"))):
        answers.setdefault(status, reference("responses", "Problem"))


def problems(path: str, method: str, *, is_open: bool) -> set[str]:
    """The statuses of a route's problems."""
    found = {*ALWAYS}
    found |= set() if is_open else {*AUTHENTICATED}
    found |= {*NAMED} if "{" in path else set()
    found |= {*UNSAFE} if method != "get" else set()
    found |= {"412"} if method == "patch" else set()
    found |= {"409"} if path.endswith("/download/") else set()
    return found


def swagger(request: HttpRequest) -> HttpResponse:
    """OpenAPI 3.1 of every route."""
    return HttpResponse(document(), content_type="application/json")


def docs(request: HttpRequest) -> HttpResponse:
    """Swagger with live calls."""
    return render(request, "web/swagger.html")


def redoc(request: HttpRequest) -> HttpResponse:
    """ReDoc. Its bundle writes styles, so this page has a nonce for them."""
    nonce = secrets.token_urlsafe(16)
    response = render(request, "web/redoc.html", {"nonce": nonce})
    response["Content-Security-Policy"] = (
        f"default-src 'self'; img-src 'self' data:; style-src 'self' 'nonce-{nonce}'; "
        "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )
    return response
