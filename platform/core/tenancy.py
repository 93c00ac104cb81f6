"""The tenant context: entered in one place per entry, cleared after; nothing works without it.

django-tenants keeps the schema on the database connection, which belongs to a thread: threads,
streams and tasks enter it explicitly through ``in_tenant``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from celery import Task
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django_tenants.utils import quote_schema_name, schema_context

PUBLIC = "public"
HEADER = "tenant"


class TenantMissing(RuntimeError):
    """A task or a query that needs a tenant was run without one."""


@contextmanager
def in_tenant(schema_name: str) -> Iterator[None]:
    """Run the block in a tenant's schema; refuses the public one."""
    if not schema_name or schema_name == PUBLIC:
        raise TenantMissing(f"not a tenant schema: {schema_name!r}")
    with schema_context(schema_name):
        yield


@contextmanager
def in_public() -> Iterator[None]:
    """Run the block in the public schema."""
    with schema_context(PUBLIC):
        yield


def current_schema() -> str:
    """The schema of this thread's connection."""
    return str(connection.schema_name)  # type: ignore[attr-defined]


def require_tenant() -> str:
    """The current tenant schema, or TenantMissing."""
    schema = current_schema()
    if schema == PUBLIC:
        raise TenantMissing("this needs a tenant schema, and the connection is in public")
    return schema


def table_of_tenant(name: str) -> str:
    """A table of the current tenant, with its schema, quoted for SQL. Raises TenantMissing."""
    return f"{quote_schema_name(require_tenant())}.{name}"


def plain_cursor() -> CursorWrapper:
    """A cursor for SQL whose every table is named by ``table_of_tenant``.

    It leaves out `SET search_path`, a second round trip; what doesn't name its schema would find
    whatever the pooled connection last looked at.
    """
    connection.ensure_connection()
    wrapper: Any = connection
    return cast("CursorWrapper", wrapper._prepare_cursor(connection.create_cursor()))  # noqa: SLF001


class TenantTask(Task):  # type: ignore[type-arg]
    """A Celery task that enters the tenant of its message header, or refuses to run.

    A task declared with ``public=True`` runs in the public schema instead.
    """

    abstract = True
    public = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Enter the schema, then run."""
        if self.public:
            with in_public():
                return super().__call__(*args, **kwargs)
        headers = self.request.headers or {}
        schema = headers.get(HEADER) or getattr(self.request, HEADER, None)
        if not schema:
            raise TenantMissing(f"task {self.name} came without a tenant header")
        with in_tenant(str(schema)):
            return super().__call__(*args, **kwargs)
