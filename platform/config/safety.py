"""What is proven before a process serves: the sandbox holds, the database's sessions are ours."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import psycopg
from django.core.cache import caches
from django.db import DatabaseError
from redis.exceptions import RedisError

from core.env import env
from core.postgres import pooler_leaks
from core.tenancy import in_public
from tenants.errors import LeakyPooler

log = logging.getLogger("filemill.safety")
REPORT = "sandbox:report"  # cache key


@lru_cache(maxsize=1)
def sandbox_report() -> dict[str, Any]:
    """The sandbox's self-test, once in a process; the result is shown by ``/health/engines/``."""
    from sandbox.selftest import check  # noqa: PLC0415 - the web process runs no engine

    report = asdict(check())
    with suppress(RedisError, ConnectionError):  # a page that shows it, no more
        caches["platform"].set(REPORT, report, timeout=None)
    return report


def check_database() -> None:
    """Raise LeakyPooler behind a pooler in transaction mode."""
    if pooler_leaks():
        raise LeakyPooler(
            "DB_HOST is a pooler that shares sessions between clients: tenants would read each "
            "other's rows. Connect to PostgreSQL itself, or use session mode."
        )


def check_at_start() -> None:
    """End the process when conversions would not be safe here, or when that can't be told.

    Celery swallows exceptions and would go on.
    """
    try:
        check_database()
    except (LeakyPooler, DatabaseError, psycopg.Error) as error:
        sys.exit(f"Refusing to start: {error}")
    report = sandbox_report()
    if not report["ok"]:
        log.error("the sandbox leaks: %s", ", ".join(report["leaks"]))
        if env().limits.sandbox_required:
            sys.exit(f"Refusing to convert, the sandbox leaks: {', '.join(report['leaks'])}")


def remove_leftovers() -> None:
    """Folders of attempts and warm hosts whose worker was killed; without them all goes on."""
    from conversions.services import sweep_work  # noqa: PLC0415 - the web process runs no engine
    from sandbox.hosts import sweep_folders  # noqa: PLC0415

    try:
        with in_public():
            left = [*sweep_work(), *sweep_folders()]
    except (DatabaseError, OSError) as error:
        log.warning("leftovers of dead workers stay: %s", error)
        return
    if left:
        log.info("removed what dead workers left: %s", ", ".join(left))
