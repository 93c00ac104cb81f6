"""A tenant schema within the request: claim a ready one, else replay the template's dump.

The dump is made once for each migration state, from a template schema that Django migrated, and
kept in the database for every process. Figures: `make bench`; ADR 0006.
"""

from __future__ import annotations

import hashlib
import logging
import re
from functools import lru_cache

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader

from core.env import env
from core.ids import new_id
from core.postgres import advisory_lock, dump_schema
from core.tenancy import in_public
from tenants.errors import TemplateMissing
from tenants.models import FleetState, ReadySchema, TemplateDump

log = logging.getLogger("filemill.provisioning")
TENANT_APPS = frozenset(settings.TENANT_APPS)
PLACEHOLDER = "fm_template_placeholder"
TEMPLATE_LOCK = 0x7E57  # key of the advisory lock
SKIPPED = re.compile(r"^(SET |SELECT pg_catalog\.set_config|\\|--|CREATE SCHEMA|\s*$)")


@lru_cache(maxsize=1)
def migration_head() -> str:
    """A hash of the newest migrations of every tenant app: equal heads, equal schemas."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    labels = {config.label for config in apps.get_app_configs() if config.name in TENANT_APPS}
    nodes = sorted(node for node in loader.graph.leaf_nodes() if node[0] in labels)
    return hashlib.sha256(repr(nodes).encode()).hexdigest()[:16]


def new_schema_name() -> str:
    """A name nobody can guess from the slug, and that never changes."""
    return new_id("t")


def template_sql() -> str:
    """The dump for today's migrations; made by the first who asks, others wait for it.

    Not inside a transaction when it has still to be made: pg_dump would not see the template.
    """
    head = migration_head()
    found = stored_dump(head)
    if found:
        return found
    if connection.in_atomic_block:
        raise TemplateMissing("run `manage.py prepare_schemas` first")
    with advisory_lock(TEMPLATE_LOCK):
        found = stored_dump(head)
        if not found:
            found = make_template(head)
            TemplateDump.objects.create(head=head, sql=found)
    return found


def stored_dump(head: str) -> str | None:
    """The dump of a migration state, if it was made."""
    return TemplateDump.objects.filter(pk=head).values_list("sql", flat=True).first()


def make_template(head: str) -> str:
    """Migrate a template schema, dump it, and put the placeholder for its name."""
    schema_name = f"fm_template_{head}"
    log.info("migrating the template schema %s", schema_name)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {connection.ops.quote_name(schema_name)}")
    call_command("migrate_schemas", schema_name=schema_name, interactive=False, verbosity=0)
    lines = dump_schema(schema_name).splitlines()
    kept = "\n".join(line for line in lines if not SKIPPED.match(line))
    return kept.replace(schema_name, PLACEHOLDER)


def replay(schema_name: str) -> None:
    """Create a schema from the template's dump, in the running transaction."""
    sql = template_sql().replace(PLACEHOLDER, schema_name)
    quoted = connection.ops.quote_name(schema_name)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {quoted}")
        cursor.execute(sql)


def claim_ready(schema_name: str) -> bool:
    """Take a ready schema of today's head and give it this name. False when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM tenants_readyschema WHERE schema_name = (SELECT schema_name FROM"
            " tenants_readyschema WHERE head = %s LIMIT 1 FOR UPDATE SKIP LOCKED)"
            " RETURNING schema_name",
            [migration_head()],
        )
        row = cursor.fetchone()
        if row is None:
            return False
        old, new = connection.ops.quote_name(row[0]), connection.ops.quote_name(schema_name)
        cursor.execute(f"ALTER SCHEMA {old} RENAME TO {new}")
    return True


def provision_schema(*, schema_name: str) -> str:
    """Make the schema, in the running transaction. Returns "claimed" or "replayed"."""
    way = "claimed" if claim_ready(schema_name) else "replayed"
    if way == "replayed":
        replay(schema_name)
    with connection.cursor() as cursor:
        quoted = connection.ops.quote_name(schema_name)
        cursor.execute(
            f'INSERT INTO {quoted}.tenant_identity_identity ("only", schema_name)'  # noqa: S608
            " VALUES (true, %s)",
            [schema_name],
        )
    FleetState.objects.create(schema_name=schema_name, head=migration_head())
    return way


def keep_ready() -> int:
    """Fill the stock of ready schemas, drop those of an older head. Returns how many it made."""
    head, made = migration_head(), 0
    with in_public():
        for stale in ReadySchema.objects.exclude(head=head):
            drop_ready(stale.schema_name)
        while ReadySchema.objects.filter(head=head).count() < env().limits.ready_schemas:
            with transaction.atomic():
                schema_name = new_id("ready")
                replay(schema_name)
                ReadySchema.objects.create(schema_name=schema_name, head=head)
            made += 1
    return made


def drop_ready(schema_name: str) -> None:
    """Remove a ready schema that nobody has claimed meanwhile."""
    with transaction.atomic():
        deleted, _ = ReadySchema.objects.filter(pk=schema_name).delete()
        if deleted:
            with connection.cursor() as cursor:
                cursor.execute(f"DROP SCHEMA {connection.ops.quote_name(schema_name)} CASCADE")
