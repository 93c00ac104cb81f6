"""Suspended, deleted with a time of grace, purged: at once, and with nothing left."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from core.outbox.services import relay
from core.tenancy import in_tenant
from tenants import auth, services
from tests.client import Api
from tests.factories.jobs import make_completed_job, make_job, stored_files, ticket_of
from tests.factories.tenants import Tenant, make_member, make_tenant
from tests.factories.webhooks import make_endpoint
from tests.product import Product


@pytest.fixture
def team(product: object) -> Tenant:
    """A fresh tenant."""
    return make_tenant()


def end_jobs(tenant: Tenant) -> None:
    """What relay and worker do once a tenant was closed."""
    from config.celery import app
    from dispatch.models import Ticket

    relay()
    for ticket in Ticket.objects.filter(task="conversions.cancel_open", ref=tenant.schema):
        app.tasks["conversions.cancel_open"](ticket.pk)


def schema_exists(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [name])
        return cursor.fetchone() is not None


def job_row(tenant: Tenant, job_id: str) -> tuple[str, str]:
    from conversions.models import Job

    with in_tenant(tenant.schema):
        job = Job.objects.get(pk=job_id)
    return job.status, (job.error or {}).get("code", "")


def let_grace_pass(tenant: Tenant) -> None:
    from tenants.models import Tenant as Row

    Row.objects.filter(pk=tenant.id).update(purge_at=timezone.now() - timedelta(seconds=1))


def test_a_suspended_tenant_is_closed_to_people_and_keys_at_their_next_request(
    team: Tenant,
) -> None:
    before = (team.api.get("conversions/jobs/").status, team.owner.get("tenant/").status)
    remembered = dict(auth.REMEMBERED)

    services.suspend_tenant(tenant_id=team.id, reason="unpaid")
    auth.REMEMBERED.update(remembered)  # another process heard nothing of it

    assert before == (200, 200)
    assert team.api.get("conversions/jobs/").code == "tenant_suspended"
    assert team.test_api.get("conversions/jobs/").code == "tenant_suspended"
    assert team.owner.get("tenant/").code == "tenant_suspended"
    assert team.owner.get("auth/me/").status == 200  # what concerns only the person goes on


def test_a_suspended_tenants_jobs_end_canceled_and_nothing_of_it_runs(team: Tenant) -> None:
    import dispatch.services as dispatch

    waiting, running = make_job(team), make_job(team)
    ticket = ticket_of(running)
    with in_tenant(team.schema):
        lease = dispatch.claim(ticket)
    assert lease

    services.suspend_tenant(tenant_id=team.id)
    refused = dispatch.claim(ticket_of(waiting))
    end_jobs(team)

    assert refused is None
    assert job_row(team, waiting) == ("canceled", "canceled")
    assert job_row(team, running) == ("canceled", "canceled")
    services.resume_tenant(tenant_id=team.id)
    assert team.api.quota() == (0, 0)
    assert team.api.get("conversions/jobs/").status == 200
    assert make_job(team)


def test_a_suspended_tenants_webhooks_wait_until_it_is_resumed(team: Tenant) -> None:
    import dispatch.services as dispatch
    from dispatch.models import Ticket

    make_endpoint(team, "https://example.com/hook", events=("key.*",))
    team.owner.post("auth/api-keys/generate/", {"name": "told"})
    deliveries = Ticket.objects.filter(lane_id=team.schema, task="webhooks.attempt")
    # What other tests left would take the window.
    Ticket.objects.exclude(lane_id=team.schema).update(state="done")

    services.suspend_tenant(tenant_id=team.id)
    relay()
    dispatch.pump()
    while_closed = set(deliveries.values_list("state", flat=True))
    services.resume_tenant(tenant_id=team.id)

    assert while_closed == {"waiting"}
    assert set(deliveries.values_list("state", flat=True)) == {"sent"}


def test_deletion_takes_an_owner_and_the_name(team: Tenant) -> None:
    admin = make_member(team, "admin")

    assert admin.api.call("DELETE", "tenant/", {"name": team.slug}).code == "permission_denied"
    assert team.api.call("DELETE", "tenant/", {"name": team.slug}).status == 403
    assert team.owner.call("DELETE", "tenant/", {"name": "another"}).code == "validation_error"
    assert team.owner.delete("tenant/").code == "validation_error"
    assert team.owner.get("tenant/").json["status"] == "active"


def test_a_deletion_closes_at_once_and_can_be_undone_by_an_owner(team: Tenant) -> None:
    member = make_member(team, "admin")
    job = make_job(team)

    deleted = team.owner.call("DELETE", "tenant/", {"name": team.slug})
    end_jobs(team)
    closed = (team.api.get("conversions/jobs/").code, team.owner.get("tenant/").code)
    services.purge_deleted()
    by_admin = member.api.post("tenant/restore/")
    restored = team.owner.post("tenant/restore/")

    assert (deleted.status, deleted.json["status"]) == (202, "deleting")
    assert closed == ("tenant_suspended", "tenant_suspended")
    assert (by_admin.code, restored.json["status"]) == ("permission_denied", "active")
    assert team.api.get(f"conversions/jobs/{job}/").json["status"] == "canceled"
    assert team.owner.post("tenant/restore/").code == "conflict"


def test_a_tenant_that_is_suspended_and_deleted_stays_closed_when_one_is_undone(
    team: Tenant,
) -> None:
    import dispatch.services as dispatch

    job = make_job(team)
    team.owner.call("DELETE", "tenant/", {"name": team.slug})
    services.suspend_tenant(tenant_id=team.id)

    services.restore_tenant(slug=team.slug, user_id=team.user_id)

    assert team.api.get("conversions/jobs/").code == "tenant_suspended"
    assert dispatch.claim(ticket_of(job)) is None


def test_after_the_grace_schema_files_keys_and_rows_are_gone(
    product: Product, team: Tenant, tmp_path: Path
) -> None:
    from core.outbox.models import OutboxEvent
    from dispatch.models import Lane, Ticket
    from tenants.models import ApiKey, FleetState, Membership
    from tenants.models import Tenant as Row

    make_completed_job(team, tmp_path)
    assert stored_files(product.storage, team)
    team.owner.call("DELETE", "tenant/", {"name": team.slug})
    let_grace_pass(team)

    assert services.purge_deleted() >= 1

    assert not schema_exists(team.schema)
    assert (product.storage / team.schema).read_bytes() == b""  # a file where the folder was
    assert not Row.objects.filter(pk=team.id).exists()
    assert not ApiKey.objects.filter(tenant_id=team.id).exists()
    assert not Membership.objects.filter(tenant_id=team.id).exists()
    assert not OutboxEvent.objects.filter(schema_name=team.schema).exists()
    assert not Lane.objects.filter(pk=team.schema).exists()
    assert not Ticket.objects.filter(lane_id=team.schema).exists()
    assert not FleetState.objects.filter(pk=team.schema).exists()
    assert team.api.get("conversions/jobs/").code == "key_invalid"
    assert team.owner.post("tenant/restore/").status in (403, 404)
    assert Api(team.owner.authorization).get("auth/me/").status == 200


def test_a_late_worker_brings_neither_schema_nor_files_back(
    product: Product, team: Tenant, tmp_path: Path
) -> None:
    from conversions.models import Job
    from conversions.services.finish_job import Outcome, finish_job
    from conversions.services.run_job import start_job
    from conversions.verification import Report
    from dispatch.services import claim, keep

    job_id = make_job(team)
    with in_tenant(team.schema):
        lease = claim(ticket_of(job_id))
        assert lease
        start_job(lease)
        job = Job.objects.get(pk=job_id)
    result = tmp_path / "late.webp"
    result.write_bytes(b"late")
    team.owner.call("DELETE", "tenant/", {"name": team.slug})
    let_grace_pass(team)
    services.purge_deleted()

    with pytest.raises(OSError), in_tenant(team.schema):  # noqa: PT011 - no folder can be made
        finish_job(job, lease, Outcome((result,), Report(verdict="verified", checks=()), ()))

    assert keep(lease) is False
    assert not schema_exists(team.schema)
    assert (product.storage / team.schema).is_file()


def test_what_a_late_event_left_is_swept(product: Product, team: Tenant) -> None:
    from core.outbox.models import OutboxEvent
    from core.outbox.services import publish

    team.owner.call("DELETE", "tenant/", {"name": team.slug})
    let_grace_pass(team)
    services.purge_deleted()
    with in_tenant(team.schema):
        publish(type="job.completed", tenant_slug=team.slug, shard="late", payload={})
    (product.storage / team.schema).unlink()
    (product.storage / team.schema).mkdir()

    services.purge_deleted()

    assert not OutboxEvent.objects.filter(schema_name=team.schema).exists()
    assert (product.storage / team.schema).is_file()


def test_a_slug_is_free_again_and_old_logins_see_nothing_of_its_new_tenant(team: Tenant) -> None:
    team.owner.get("tenant/")
    team.owner.call("DELETE", "tenant/", {"name": team.slug})
    let_grace_pass(team)
    services.purge_deleted()
    person_token = team.owner.authorization

    from accounts.queries import user_id_of

    other = make_member(make_tenant())
    services.create_tenant(name="Again", owner_id=other.user_id, slug=team.slug)

    assert user_id_of(team.username)
    assert Api(person_token, team.slug).get("tenant/").code == "permission_denied"
