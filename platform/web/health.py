"""`/health/…`: does the process live, and do the parts that it depends on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from celery import current_app
from django.core.cache import caches
from django.db import connection
from django.http import HttpRequest, JsonResponse

from conversions import offer
from dispatch import queries as dispatch

Check = Callable[[], dict[str, Any]]
QUEUES = ("convert", "office", "media", "io")
PING_S = 1.0


def basic(request: HttpRequest) -> JsonResponse:
    """200 while the process lives; touches nothing else."""
    return JsonResponse({"status": "ok", "checks": {}})


def check_database() -> dict[str, Any]:
    """A query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {}


def check_redis() -> dict[str, Any]:
    """A write and a read."""
    cache = caches["platform"]
    cache.set("health", "1", 10)
    if cache.get("health") != "1":
        raise RuntimeError("Redis lost what was written")
    return {}


def check_celery() -> dict[str, Any]:
    """Somebody listens to each queue."""
    queues = current_app.control.inspect(timeout=PING_S).active_queues() or {}
    heard = {queue["name"] for worker in queues.values() for queue in worker}
    missing = [name for name in QUEUES if name not in heard]
    if missing:
        raise RuntimeError(f"no worker listens to {', '.join(missing)}")
    return {"workers": sorted(queues), "waiting": dispatch.depths()}


def check_engines() -> dict[str, Any]:
    """Engines with versions, and the sandbox's last self-test."""
    report = caches["platform"].get("sandbox:report")
    if report is not None and not report["ok"]:
        raise RuntimeError(f"the sandbox leaks: {', '.join(report['leaks'])}")
    return {"engines": offer.versions(), "sandbox": report}


CHECKS: dict[str, Check] = {
    "database": check_database,
    "redis": check_redis,
    "celery": check_celery,
    "engines": check_engines,
}


def run(name: str) -> dict[str, Any]:
    """One check with its time; what went wrong in plain words."""
    started = time.monotonic()
    try:
        facts = {"status": "ok", **CHECKS[name]()}
    except Exception as error:
        facts = {"status": "down", "reason": f"{type(error).__name__}: {error}"[:300]}
    facts["milliseconds"] = round((time.monotonic() - started) * 1000, 1)
    return facts


def answer(names: tuple[str, ...]) -> JsonResponse:
    """503 when one of them is down."""
    checks = {name: run(name) for name in names}
    is_ok = all(check["status"] == "ok" for check in checks.values())
    return JsonResponse(
        {"status": "ok" if is_ok else "down", "checks": checks}, status=200 if is_ok else 503
    )


def detailed(request: HttpRequest) -> JsonResponse:
    """Everything."""
    return answer(tuple(CHECKS))


def database(request: HttpRequest) -> JsonResponse:
    """PostgreSQL."""
    return answer(("database",))


def redis(request: HttpRequest) -> JsonResponse:
    """Redis."""
    return answer(("redis",))


def celery(request: HttpRequest) -> JsonResponse:
    """Workers."""
    return answer(("celery",))


def engines(request: HttpRequest) -> JsonResponse:
    """Engines and sandbox."""
    return answer(("engines",))
