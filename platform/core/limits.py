"""Requests an hour by plan, through django-ratelimit on Redis, told on every answer.

Headers: draft-ietf-httpapi-ratelimit-headers. Without Redis the API stays open, with a warning.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import cast

from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django_ratelimit.core import get_usage
from redis.exceptions import RedisError

from core.access import Principal
from core.cache import CountingCache
from core.errors import RateLimited

log = logging.getLogger("filemill.limits")
HOUR, MINUTE = 3600, 60
LEAST_UPLOADS_A_MINUTE = 60  # of the smallest plan
ANONYMOUS_PER_HOUR = 3000  # requests from one address without credentials
UNLIMITED = 1_000_000_000  # what a plan without a limit is shown as


@dataclass(frozen=True)
class Usage:
    """What is left of this hour."""

    limit: int
    remaining: int
    reset_s: int
    is_over: bool


def count_request(
    request: HttpRequest,
    principal: Principal | None,
    *,
    stamp: str = "",
    increment: bool = True,
) -> Usage | None:
    """Count one request (or only look), and read a stamp in the same breath. None without Redis."""
    limit = ANONYMOUS_PER_HOUR
    who = f"ip:{request.META.get('REMOTE_ADDR', '')}"
    if principal is not None:
        limit = principal.requests_per_hour or UNLIMITED
        who = f"tenant:{principal.schema_name or principal.user_id}"
    counting = cast("CountingCache", caches["limits"])
    counting.beside = stamp
    try:
        usage = get_usage(
            request,
            group="requests",
            key=lambda group, request: who,
            rate=(limit, HOUR),
            increment=increment,
        )
    except (RedisError, ConnectionError) as error:
        log.warning("no rate limit without Redis: %s", error)
        return None
    if usage is None:
        return None
    return Usage(
        limit, max(limit - usage["count"], 0), max(usage["time_left"], 0), usage["should_limit"]
    )


def refuse_upload_flood(request: HttpRequest, principal: Principal | None) -> None:
    """Raise RateLimited past a quarter of the hour's requests as uploads within one minute.

    An upload holds disk and a thread for as long as its bytes take; open without Redis.
    """
    if principal is None or not (request.content_type or "").startswith("multipart/"):
        return
    most = max((principal.requests_per_hour or UNLIMITED) // 4, LEAST_UPLOADS_A_MINUTE)
    try:
        usage = get_usage(
            request,
            group="uploads",
            key=lambda group, request: f"tenant:{principal.schema_name or principal.user_id}",
            rate=(most, MINUTE),
            increment=True,
        )
    except (RedisError, ConnectionError) as error:
        log.warning("no throttle of uploads without Redis: %s", error)
        return
    if usage is not None and usage["should_limit"]:
        raise RateLimited(
            f"{most} uploads a minute are used up.",
            headers={"Retry-After": str(max(usage["time_left"], 1))},
        )


def refuse_over(usage: Usage) -> None:
    """Raise RateLimited when the hour is used up."""
    if usage.is_over:
        raise RateLimited(
            f"{usage.limit} requests an hour are used up; {usage.reset_s} s to the next hour.",
            headers={"Retry-After": str(max(usage.reset_s, 1))},
        )


def add_headers(response: HttpResponse, usage: Usage) -> None:
    """RateLimit-Policy and RateLimit."""
    response["RateLimit-Policy"] = f'"requests";q={usage.limit};w={HOUR}'
    response["RateLimit"] = f'"requests";r={usage.remaining};t={usage.reset_s}'
