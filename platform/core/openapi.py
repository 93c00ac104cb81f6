"""What API.md says of every route, as parts of the OpenAPI description."""

from __future__ import annotations

from typing import Any


def reference(kind: str, name: str) -> dict[str, str]:
    """A pointer to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


# Statuses by kind of route; API.md "Every error".
ALWAYS = ("400", "422", "429", "503")
AUTHENTICATED = ("401", "402", "403", "404")
NAMED = ("401", "403", "404", "410")
UNSAFE = ("401", "402", "403", "404", "409", "413", "415")

HEADERS = {
    name: reference("headers", name) for name in ("X-Request-Id", "RateLimit", "RateLimit-Policy")
}
CONDITIONAL: dict[str, Any] = {"304": {"description": "Not changed (If-None-Match)"}}
DOWNLOAD: dict[str, Any] = {
    "200": {
        "description": "The bytes",
        "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
    },
    "206": {
        "description": "The range that was asked for",
        "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
    },
    "304": {"description": "Not changed (If-None-Match)"},
    "416": {"description": "No such range"},
}
SECURITY_SCHEMES: dict[str, Any] = {
    "ApiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Api-Key fm_live_…` or `Api-Key fm_test_…`",
    },
    "Bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token of `/auth/login/`; name the tenant by `X-Tenant`.",
    },
}
SECURITY: list[dict[str, list[str]]] = [{"Bearer": []}, {"ApiKey": []}]

PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457; `type` is the address of a page that explains the code.",
    "type": "object",
    "required": [
        *("type", "title", "status", "code", "detail", "request_id", "retryable", "errors"),
    ],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "retryable": {"type": "boolean"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {name: {"type": "string"} for name in ("field", "code", "message")},
            },
        },
    },
}
COMPONENTS: dict[str, dict[str, Any]] = {
    "schemas": {"Problem": PROBLEM},
    "responses": {
        "Problem": {
            "description": "A problem",
            "headers": HEADERS,
            "content": {"application/problem+json": {"schema": reference("schemas", "Problem")}},
        }
    },
    "headers": {
        "X-Request-Id": {"schema": {"type": "string"}},
        "RateLimit": {
            "description": '`"requests";r=<remaining>;t=<seconds to reset>`',
            "schema": {"type": "string"},
        },
        "RateLimit-Policy": {
            "description": '`"requests";q=<limit>;w=3600`',
            "schema": {"type": "string"},
        },
    },
    "parameters": {
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "The first answer is kept for 24 hours and replayed.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        }
    },
}
