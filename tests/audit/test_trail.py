"""The trail of critical changes: appended to, sealed, and found out when somebody meddles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, connection, transaction

from audit.services import Broken, record, verify
from audit.trail.models import Entry
from core.tenancy import TenantMissing, in_tenant
from tests.factories.tenants import Tenant, make_tenant
from tests.threads import at_once

BEGUN = 2  # entries of a new tenant: its two keys


@pytest.fixture
def tenant() -> Tenant:
    """A tenant with a trail of its own."""
    return make_tenant()


def write(tenant: Tenant, count: int) -> list[str]:
    with in_tenant(tenant.schema):
        before = Entry.objects.count()
        ids = [
            record(action="member.role_changed", target=f"mem_{n}", changes={"role": ["a", "b"]})
            for n in range(count)
        ]
        assert Entry.objects.count() == before + count
    return ids


def broken(tenant: Tenant) -> list[Broken]:
    with in_tenant(tenant.schema):
        return verify().broken


@contextmanager
def as_superuser(tenant: Tenant) -> Iterator[None]:
    """SQL in the tenant's schema with every trigger switched off, as only a superuser can."""
    tables = ("audit_trail_entry", "audit_trail_head")
    with in_tenant(tenant.schema), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        yield
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")


def run_sql(sql: str, *values: str | int | list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def test_an_untouched_trail_holds(tenant: Tenant) -> None:
    write(tenant, 5)

    with in_tenant(tenant.schema):
        verdict = verify()
        sequences = list(Entry.objects.order_by("id").values_list("sequence", flat=True))

    assert (verdict.ok, verdict.broken) == (True, [])
    assert verdict.checked == len(sequences)
    assert sequences == list(range(1, len(sequences) + 1))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_trail_entry SET target = 'x'",
        "DELETE FROM audit_trail_entry",
        "TRUNCATE audit_trail_entry",
        "UPDATE audit_trail_head SET sequence = 1",
        "UPDATE audit_trail_head SET seal = 'x'",
        "DELETE FROM audit_trail_head",
        "TRUNCATE audit_trail_head",
    ],
)
def test_the_database_itself_refuses_changes(tenant: Tenant, sql: str) -> None:
    write(tenant, 3)

    with (
        in_tenant(tenant.schema),
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
    ):
        run_sql(sql)

    assert broken(tenant) == []


@pytest.mark.parametrize(
    "change",
    [
        "target = 'mem_x'",
        "action = 'member.removed'",
        "actor_id = 'usr_other'",
        "changes = '{}'",
        "created_at = created_at - interval '1 second'",
        "seal = repeat('0', 64)",
    ],
)
def test_an_altered_row_is_named(tenant: Tenant, change: str) -> None:
    ids = write(tenant, 4)

    with as_superuser(tenant):
        run_sql(f"UPDATE audit_trail_entry SET {change} WHERE id = %s", ids[1])  # noqa: S608

    found = broken(tenant)
    assert (found[0].id, found[0].reason) == (ids[1], "altered")


def test_a_removed_row_is_missed(tenant: Tenant) -> None:
    ids = write(tenant, 4)
    with in_tenant(tenant.schema):
        gone = Entry.objects.get(pk=ids[2]).sequence

    with as_superuser(tenant):
        run_sql("DELETE FROM audit_trail_entry WHERE id = %s", ids[2])

    assert broken(tenant) == [Broken(gone, "", "missing")]


def test_an_end_that_was_cut_off_is_missed(tenant: Tenant) -> None:
    ids = write(tenant, 3)

    with as_superuser(tenant):
        run_sql("DELETE FROM audit_trail_entry WHERE id = ANY(%s)", ids[1:])

    assert [place.reason for place in broken(tenant)] == ["cut_off", "cut_off"]


def test_rows_that_changed_places_are_noticed(tenant: Tenant) -> None:
    one, two = write(tenant, 2)

    with as_superuser(tenant):
        run_sql("UPDATE audit_trail_entry SET sequence = -sequence WHERE id IN (%s, %s)", one, two)
        run_sql(
            "UPDATE audit_trail_entry SET sequence = CASE id WHEN %s THEN %s ELSE %s END"
            " WHERE id IN (%s, %s)",
            *(one, BEGUN + 2, BEGUN + 1, one, two),
        )

    assert len(broken(tenant)) >= 2


def test_forty_writers_at_once_make_one_chain(tenant: Tenant) -> None:
    at_once(40, lambda _: write_one(tenant))

    with in_tenant(tenant.schema):
        verdict = verify()
    assert (verdict.ok, verdict.checked) == (True, BEGUN + 40)


def write_one(tenant: Tenant) -> None:
    with in_tenant(tenant.schema), transaction.atomic():
        record(action="key.created", target="key_1")


def test_an_entry_goes_with_its_transaction(tenant: Tenant) -> None:
    write(tenant, 1)

    with in_tenant(tenant.schema), transaction.atomic():
        record(action="key.created", target="key_1")
        transaction.set_rollback(True)

    write(tenant, 1)
    with in_tenant(tenant.schema):
        assert (verify().ok, verify().checked) == (True, BEGUN + 2)


def test_there_is_no_trail_without_a_tenant() -> None:
    with pytest.raises(TenantMissing):
        record(action="key.created", target="key_1")


def test_staff_write_into_a_tenants_trail_from_outside(tenant: Tenant) -> None:
    with transaction.atomic():
        entry = record(
            action="tenant.suspended",
            target=tenant.id,
            actor_id="usr_staff",
            schema_name=tenant.schema,
        )

    with in_tenant(tenant.schema):
        assert Entry.objects.get(pk=entry).actor_id == "usr_staff"


def test_the_route_shows_filters_and_checks(tenant: Tenant) -> None:
    ids = write(tenant, 3)
    with in_tenant(tenant.schema):
        record(action="key.created", target="key_1", actor_id="usr_else", changes={"n": 1})

    newest = tenant.owner.get("tenant/audit-log/?limit=2").json
    older = tenant.owner.get(f"tenant/audit-log/?limit=2&cursor={newest['next']}").json
    by_noun = tenant.owner.get("tenant/audit-log/?action=member.*").json["items"]
    by_actor = tenant.owner.get("tenant/audit-log/?actor=usr_else").json["items"]
    later = tenant.owner.get("tenant/audit-log/?from=2100-01-01T00:00:00Z").json["items"]

    assert [item["id"] for item in [*newest["items"], *older["items"]]][1:] == ids[::-1]
    assert [item["action"] for item in by_noun] == ["member.role_changed"] * 3
    assert [item["changes"] for item in by_actor] == [{"n": 1}]
    assert later == []
    verdict = tenant.owner.get("tenant/audit-log/verify/").json
    assert verdict == {"ok": True, "checked": BEGUN + 4, "broken": []}


def test_the_route_names_the_row_that_sql_altered(tenant: Tenant) -> None:
    ids = write(tenant, 3)
    with as_superuser(tenant):
        run_sql("UPDATE audit_trail_entry SET actor_id = 'usr_x' WHERE id = %s", ids[1])

    verdict = tenant.owner.get("tenant/audit-log/verify/").json

    assert verdict["ok"] is False
    assert verdict["broken"] == [{"sequence": BEGUN + 2, "id": ids[1], "reason": "altered"}]


def test_an_export_has_every_row_and_no_formula(tenant: Tenant) -> None:
    write(tenant, 2)
    with in_tenant(tenant.schema):
        record(action="key.created", target="=cmd()", changes={"a": "ü"})

    table = tenant.owner.get("tenant/audit-log/export/?format=csv")
    rows = tenant.owner.get("tenant/audit-log/export/?format=json&action=key.created")

    lines = table.body.decode().splitlines()
    assert lines[0].startswith("id,sequence,action,actor")
    assert len(lines) == 1 + BEGUN + 3
    assert ",'=cmd()," in lines[-1]
    assert table.headers["Content-Disposition"] == 'attachment; filename="audit-log.csv"'
    assert [row["changes"] for row in rows.json][BEGUN:] == [{"a": "ü"}]


@pytest.mark.parametrize("log", ["audit-log", "activity"])
@pytest.mark.parametrize("form", ["", "export/?format=json", "export/?format=csv"])
def test_what_can_not_be_asked_is_told_and_never_an_empty_file(
    tenant: Tenant, log: str, form: str
) -> None:
    asked = f"tenant/{log}/{form or '?limit=5'}"

    far = tenant.owner.get(f"{asked}&from=0222-10-21T00:35:18-17:11")
    refused = [
        tenant.owner.get(f"{asked}&{filter}").code
        for filter in ("actor=%00", "from=0001-01-01T00:00:00%2B10:00")
    ]

    assert far.status == 200, far.body
    assert refused == ["validation_error"] * 2


def test_the_trail_needs_its_permission(tenant: Tenant) -> None:
    for path in ("audit-log/", "audit-log/verify/", "audit-log/export/", "activity/"):
        assert tenant.api.get(f"tenant/{path}").code == "scope_missing"
