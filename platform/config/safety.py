"""What is proven before a process serves: the sandbox holds, the database's sessions are ours."""

from __future__ import annotations

import logging
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from sandbox.selftest import check

from core.env import env
from core.postgres import pooler_leaks
from tenants.errors import LeakyPooler

log = logging.getLogger("filemill.safety")


class SandboxLeaks(RuntimeError):
    """The sandbox did not pass its own test, and SANDBOX_REQUIRED holds."""


@lru_cache(maxsize=1)
def sandbox_report() -> dict[str, Any]:
    """The sandbox's self-test, once in a process."""
    return asdict(check())


def check_database() -> None:
    """Raise LeakyPooler behind a pooler in transaction mode."""
    if pooler_leaks():
        raise LeakyPooler(
            "DB_HOST is a pooler that shares sessions between clients: tenants would read each "
            "other's rows. Connect to PostgreSQL itself, or use session mode."
        )


def check_at_start() -> None:
    """Raise when conversions would not be safe here."""
    check_database()
    report = sandbox_report()
    if not report["ok"]:
        log.error("the sandbox leaks: %s", ", ".join(report["leaks"]))
        if env().limits.sandbox_required:
            raise SandboxLeaks(", ".join(report["leaks"]))
