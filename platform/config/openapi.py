"""swagger.json and the pages that show it, with assets of our own."""

from __future__ import annotations

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from config.api import api


def swagger(request: HttpRequest) -> HttpResponse:
    """OpenAPI 3.1 of every route."""
    schema = api.get_openapi_schema()
    return HttpResponse(
        orjson.dumps(schema, default=str, option=orjson.OPT_NON_STR_KEYS),
        content_type="application/json",
    )


def docs(request: HttpRequest) -> HttpResponse:
    """Swagger with live calls."""
    return render(request, "web/swagger.html")


def redoc(request: HttpRequest) -> HttpResponse:
    """ReDoc."""
    return render(request, "web/redoc.html")
