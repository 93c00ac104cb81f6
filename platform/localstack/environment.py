"""The settings that every process of a stack gets: the product reads them in core.env."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localstack.ports import HOST
from localstack.secret import remembered_secret

DATABASE_NAMES = ("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD")
PASSED_ON = (
    *("HOME", "LANG", "TZ", "TMPDIR", "LOG_LEVEL", "SENTRY_DSN", "READY_SCHEMAS"),
    *("LD_PRELOAD", "JUMPING_CLOCK"),  # a clock that jumps (loadtests.faults), another allocator
)
PASSED_ON_PREFIXES = ("DISPATCH_", "WEBHOOK_", "STRIPE_", "JOB_", "UPLOAD_", "DB_POOL_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the parts of one stack are; `database` and `redis_url` may lie on other machines."""

    port: int
    receiver_port: int
    database: Mapping[str, str]
    redis_url: str
    has_front: bool


def environment(root: Path, data: Path, addresses: Addresses) -> dict[str, str]:
    """Every variable that a child gets; of our own only what the product knows is passed on."""
    return {
        **_inherited(),
        "PATH": f"{root / '.venv' / 'bin'}:{os.environ.get('PATH', '')}:/usr/bin:/bin:/usr/sbin",
        "PYTHONPATH": f"{root}:{root / 'platform'}",
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": remembered_secret(data / "run" / "secret_key"),
        "DEBUG": "False",
        "ALLOWED_HOSTS": "*",
        "BASE_DOMAIN": "localhost",
        "PUBLIC_URL": f"http://localhost:{addresses.port}",
        **addresses.database,
        "REDIS_URL": addresses.redis_url,
        "CELERY_BROKER_URL": os.environ.get("CELERY_BROKER_URL", addresses.redis_url),
        "STORAGE_DIR": str(data / "storage"),
        "WORK_DIR": str(data / "work"),
        "MAIL_DIR": str(data / "mail"),
        "WEBHOOK_ALLOW_HOSTS": f"{HOST}:{addresses.receiver_port}",
        "STATIC_DIR": str(data / "static"),
        "TRUST_FORWARDED": "1" if addresses.has_front else "0",
        "WAITING_ROOM": "1" if addresses.has_front else "0",
        "X_ACCEL": "1" if addresses.has_front else "0",
        "SANDBOX_REQUIRED": os.environ.get("SANDBOX_REQUIRED", "true"),
    }


def _inherited() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
    }
