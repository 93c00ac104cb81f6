"""`manage.py measure_schemas`: seconds to make a tenant schema in each way. Leaves none behind."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection, transaction

from core.ids import new_id
from core.tenancy import in_public
from tenants.models import ReadySchema
from tenants.services.provision_schema import claim_ready, migration_head, replay, template_sql

ROUNDS = 5


def migrate(schema_name: str) -> None:
    """The plain way of django-tenants."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {connection.ops.quote_name(schema_name)}")
    call_command("migrate_schemas", schema_name=schema_name, interactive=False, verbosity=0)


def replay_one(schema_name: str) -> None:
    """By the template's dump."""
    with transaction.atomic():
        replay(schema_name)


def claim(schema_name: str) -> None:
    """By a ready schema."""
    with transaction.atomic():
        if not claim_ready(schema_name):
            raise RuntimeError("no ready schema")


def stock(schema_name: str) -> None:
    """Make one ready schema first."""
    with transaction.atomic():
        replay(schema_name)
        ReadySchema.objects.create(schema_name=schema_name, head=migration_head())


class Command(BaseCommand):
    """Prints ``way seconds`` for each way."""

    help = "Measure how long a tenant schema takes: migrated, replayed, claimed."

    def handle(self, *args: Any, **options: Any) -> None:
        """Medians of a few rounds."""
        template_sql()
        ways: tuple[tuple[str, Callable[[str], None]], ...] = (
            ("migrated", migrate),
            ("replayed", replay_one),
            ("claimed", claim),
        )
        for way, work in ways:
            seconds = [self.measure(way, work) for _ in range(ROUNDS)]
            self.stdout.write(f"{way} {statistics.median(seconds):.6f}")

    def measure(self, way: str, work: Callable[[str], None]) -> float:
        """One round, cleaned up."""
        schema_name = new_id("bench")
        with in_public():
            if way == "claimed":
                stock(new_id("ready"))
            started = time.perf_counter()
            work(schema_name)
            taken = time.perf_counter() - started
        with in_public(), connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA {connection.ops.quote_name(schema_name)} CASCADE")
        return taken
