"""The product inside the test process: its settings, its PostgreSQL and Redis, Django itself.

`prepare` sets the settings and loads Django without starting anything, so that test modules can be
collected; `run` starts the services. The environment of the process is left as it was: whoever
starts programs (tests/localstack, tests/e2e) must not inherit our database.
"""

from __future__ import annotations

import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import pytest

from localstack import ports
from localstack.postgres import DATABASE, PORT, ROLE, Postgres
from localstack.redis import Redis
from localstack.supervisor import Supervisor


class Product:
    """Folders, ports and services of one test session."""

    def __init__(self) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="fm-"))  # short: a unix socket lies below
        self.data.chmod(0o711)  # PostgreSQL runs under an account of its own
        self.hook_port, self.redis_port, self.dead_port = ports.free_ports(3)
        self.postgres = Postgres(self.data / "postgres", secrets.token_hex(16), self.data)
        self.redis = Redis(
            self.data / "redis",
            self.data / "run",
            self.redis_port,
            secrets.token_hex(16),
            self.data,
        )

    @property
    def storage(self) -> Path:
        """Where results lie."""
        return self.data / "storage"

    @property
    def mails(self) -> Path:
        """Where mails are written."""
        return self.data / "mail"

    def settings(self) -> dict[str, str]:
        """Every setting that the product reads."""
        return {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SECRET_KEY": secrets.token_urlsafe(40),
            "DB_HOST": str(self.postgres.socket_dir),
            "DB_PORT": str(PORT),
            "DB_NAME": DATABASE,
            "DB_USER": ROLE,
            "DB_PASSWORD": self.postgres.password,
            "DB_POOL_SIZE": "0",
            "REDIS_URL": self.redis.url,
            "STORAGE_DIR": str(self.storage),
            "WORK_DIR": str(self.data / "work"),
            "MAIL_DIR": str(self.mails),
            "STATIC_DIR": str(self.data / "static"),
            "PUBLIC_URL": "http://localhost:8000",
            "WEBHOOK_ALLOW_HOSTS": f"127.0.0.1:{self.hook_port}",
            "READY_SCHEMAS": "2",
            "LOG_LEVEL": "ERROR",
        }


@lru_cache(maxsize=1)
def prepare() -> Product:
    """Settings and Django, once in a session; nothing is started."""
    product = Product()
    for name in ("storage", "work", "mail", "static"):
        (product.data / name).mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in product.settings().items():
            patch.setenv(name, value)
        load_django()
    return product


def load_django() -> None:
    """Apps, and Celery's application as the current one."""
    import django

    django.setup()
    from config.celery import app
    from tenants import middleware

    app.set_default()
    app.finalize()
    app.loader.import_default_modules()
    middleware.SAMPLED = 1.0  # the identity row is compared on every request of every test


@contextmanager
def run(product: Product) -> Iterator[None]:
    """PostgreSQL with the migrated public schema and the template; Redis; while the block runs."""
    from django.core.management import call_command
    from django.db import connections

    with supervised(product.data) as supervisor:
        supervisor.start([product.postgres.spec(), product.redis.spec()])
        product.postgres.create_database()
        # Durability is PostgreSQL's own business; tests need the speed.
        product.postgres.query("ALTER SYSTEM SET synchronous_commit = off")
        product.postgres.query("SELECT pg_reload_conf()")
        call_command("migrate_schemas", "--shared", interactive=False, verbosity=0)
        call_command("prepare_schemas", verbosity=0)
        try:
            yield
        finally:
            connections.close_all()


@contextmanager
def supervised(data: Path) -> Iterator[Supervisor]:
    """A supervisor that leaves Ctrl-C to pytest."""
    interrupt = signal.getsignal(signal.SIGINT)
    with Supervisor(run_dir=data / "run", log_dir=data / "log", roots=[data]) as supervisor:
        signal.signal(signal.SIGINT, interrupt)
        yield supervisor


def forget() -> None:
    """Remove the session's folder, if there is one."""
    if prepare.cache_info().currsize:
        shutil.rmtree(prepare().data, ignore_errors=True)
