"""A new tenant's schema is the migrated one, however it was made; the database is no pooler."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, transaction

from accounts.services import put_verified_user
from core import postgres
from core.tenancy import in_public, in_tenant
from tenants.identity.models import Identity
from tenants.models import FleetState, ReadySchema
from tenants.services import create_tenant
from tenants.services.migrate_fleet import migrate_fleet
from tenants.services.provision_schema import (
    keep_ready,
    migration_head,
    new_schema_name,
    provision_schema,
)
from tests.factories.tenants import Tenant, make_tenant
from tests.product import Product
from tests.threads import at_once

CATALOG = {
    "columns": """SELECT table_name, column_name, data_type, is_nullable, column_default,
        character_maximum_length, is_identity FROM information_schema.columns
        WHERE table_schema = %s""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = %s",
    "constraints": """SELECT c.relname, k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k
        JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = %s""",
    "sequences": """SELECT sequencename, data_type, start_value, increment_by, cycle
        FROM pg_sequences WHERE schemaname = %s""",
    "owned": """SELECT s.relname, t.relname, a.attname FROM pg_depend d
        JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
        JOIN pg_class t ON t.oid = d.refobjid
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
        JOIN pg_namespace n ON n.oid = s.relnamespace WHERE n.nspname = %s""",
    "triggers": """SELECT event_object_table, trigger_name FROM information_schema.triggers
        WHERE trigger_schema = %s""",
}


def catalog(schema: str) -> dict[str, list[tuple[str, ...]]]:
    """Everything that a schema consists of, with its own name taken out."""
    found = {}
    with connection.cursor() as cursor:
        for name, sql in CATALOG.items():
            cursor.execute(sql, [schema])
            found[name] = sorted(
                tuple(str(value).replace(schema, "*") for value in row) for row in cursor
            )
        cursor.execute(f'SELECT app, name FROM "{schema}".django_migrations')  # noqa: S608
        found["migrations"] = sorted(cursor.fetchall())
    return found


def provision() -> tuple[str, str]:
    schema = new_schema_name()
    with in_public(), transaction.atomic():
        way = provision_schema(schema_name=schema)
    return schema, way


@pytest.fixture(scope="module")
def migrated(running_product: Product) -> dict[str, list[tuple[str, ...]]]:
    """The catalog of a schema that Django's own migrations made."""
    schema = new_schema_name()
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA "{schema}"')
    call_command("migrate_schemas", schema_name=schema, interactive=False, verbosity=0)
    return catalog(schema)


def test_a_replayed_schema_equals_a_migrated_one(
    migrated: dict[str, list[tuple[str, ...]]],
) -> None:
    ReadySchema.objects.all().delete()

    schema, way = provision()

    assert way == "replayed"
    assert catalog(schema) == migrated
    assert len(migrated["columns"]) > 80
    assert migrated["sequences"]


def test_a_claimed_schema_equals_a_migrated_one(
    migrated: dict[str, list[tuple[str, ...]]],
) -> None:
    keep_ready()

    schema, way = provision()

    assert way == "claimed"
    assert catalog(schema) == migrated


def test_the_stock_is_filled_up_and_no_further() -> None:
    ReadySchema.objects.all().delete()

    assert (keep_ready(), keep_ready()) == (2, 0)


def test_a_ready_schema_of_an_older_head_is_never_claimed() -> None:
    keep_ready()
    ReadySchema.objects.update(head="older")

    _, way = provision()
    keep_ready()

    assert way == "replayed"
    assert not ReadySchema.objects.filter(head="older").exists()


def test_twelve_tenants_at_once_are_all_right_and_all_distinct() -> None:
    keep_ready()

    tenants: list[Tenant] = at_once(12, lambda _: make_tenant(), threads=12)

    assert len({tenant.schema for tenant in tenants}) == 12
    for tenant in tenants:
        with in_tenant(tenant.schema):
            assert Identity.objects.get().schema_name == tenant.schema
        assert tenant.api.convert().status == 202
        assert len(tenant.api.get("conversions/jobs/").json["items"]) == 1
    heads = FleetState.objects.filter(schema_name__in=[tenant.schema for tenant in tenants])
    assert {row.head for row in heads} == {migration_head()}
    assert heads.count() == 12


def test_a_tenant_that_fails_half_way_leaves_no_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    user_id = put_verified_user(
        username=secrets.token_hex(6),
        email=f"{secrets.token_hex(6)}@example.com",
        password="x" * 20,
        is_staff=False,
    )
    slug = f"half-{secrets.token_hex(4)}"
    before = schemas()
    with monkeypatch.context() as patch:
        patch.setattr(FleetState.objects, "create", lambda **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            create_tenant(name="Half", owner_id=user_id, slug=slug)

    assert schemas() == before
    assert create_tenant(name="Half", owner_id=user_id, slug=slug).slug == slug


def schemas() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\\_%%'")
        return {row[0] for row in cursor}


def test_the_fleet_is_migrated_where_its_head_differs_and_only_there(acme: Tenant) -> None:
    FleetState.objects.filter(schema_name=acme.schema).update(head="older")

    first, second = migrate_fleet(), migrate_fleet()

    assert (first, second) == ((1, 0), (0, 0))
    assert FleetState.objects.get(pk=acme.schema).head == migration_head()


def test_a_direct_connection_does_not_leak() -> None:
    assert postgres.pooler_leaks() is False


class TransactionPooler:
    """Two clients take turns on one server session, query by query: what PgBouncer does."""

    def __init__(self, folder: Path, server: str) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(folder / ".s.PGSQL.5432"))
        self.listener.listen()
        self.server = socket.socket(socket.AF_UNIX)
        self.server.settimeout(5)
        self.server.connect(server)
        self.lock, self.greeting = threading.Lock(), b""

    def serve(self) -> None:
        """Accept until closed."""
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.talk, args=(client,), daemon=True).start()

    def talk(self, client: socket.socket) -> None:
        """The first client's start-up goes through; later ones get the same greeting."""
        with client:
            start = client.recv(65536)
            with self.lock:
                if not self.greeting:
                    self.server.sendall(start)
                    self.greeting = self.answer()
                client.sendall(self.greeting)
            while (message := client.recv(65536)) and message[:1] != b"X":
                with self.lock:
                    self.server.sendall(message)
                    client.sendall(self.answer())

    def answer(self) -> bytes:
        """Up to ReadyForQuery."""
        got = b""
        while got[-6:-1] != b"Z\0\0\0\5":
            got += self.server.recv(65536)
        return got


@contextmanager
def pooled(folder: Path, server: str) -> Iterator[None]:
    """A pooler's socket in `folder` while the block runs."""
    pooler = TransactionPooler(folder, server)
    thread = threading.Thread(target=pooler.serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        pooler.listener.shutdown(socket.SHUT_RDWR)
        pooler.listener.close()
        pooler.server.close()
        thread.join()


def test_a_pooler_that_shares_sessions_is_found_out(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    from config.safety import check_database
    from tenants.errors import LeakyPooler

    folder = product.data / "pooler"
    folder.mkdir()
    socket_path = str(product.postgres.socket_dir / ".s.PGSQL.5432")
    params: dict[str, Any] = connection.get_connection_params()

    def through() -> psycopg.Connection[Any]:
        wanted = {k: v for k, v in params.items() if k in ("dbname", "user", "password")}
        return psycopg.connect(**wanted, host=str(folder), port=5432, autocommit=True)

    with pooled(folder, socket_path):
        monkeypatch.setattr(postgres, "connect_apart", through)

        leaks = postgres.pooler_leaks()
        with pytest.raises(LeakyPooler):
            check_database()

    assert leaks is True
