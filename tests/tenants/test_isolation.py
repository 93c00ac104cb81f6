"""What is one tenant's is nobody else's: each route by key and token, tasks, threads, caches."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.db import connection

from core.ids import new_id
from core.outbox.services import relay
from core.tenancy import (
    HEADER,
    TenantMissing,
    TenantTask,
    current_schema,
    in_public,
    in_tenant,
    require_tenant,
)
from tenants.errors import SchemaMixedUp
from tenants.identity.models import Identity
from tenants.middleware import check_identity
from tests.client import Api
from tests.factories.groups import make_batch, make_run
from tests.factories.jobs import make_completed_job, make_job, ticket_of
from tests.factories.tenants import Tenant
from tests.factories.webhooks import make_endpoint

# Bodies that are good, where an empty one is not: what is refused must be the caller.
BODIES = {
    ("patch", "/api/v1/tenant/members/{member_id}/"): {"role": "viewer"},
    ("post", "/api/v1/staff/tenants/{tenant_id}/change-plan/"): {"plan": "free"},
}
METHODS = ("get", "post", "put", "patch", "delete")
# Path parameters that are words of the platform, not ids of a tenant; a token is the credential,
# a picture's address its own secret.
WORDS = {"source", "target", "code", "slug", "token", "provider", "avatar", "size"}


def foreign_ids(tenant: Tenant, folder: Path) -> dict[str, list[str]]:
    """Path parameter → ids of things that the tenant has."""
    endpoint = make_endpoint(tenant, "https://example.com/hook")
    jobs = [make_completed_job(tenant, folder), make_job(tenant)]
    relay()
    deliveries = tenant.api.get("webhooks/deliveries/").json["items"]
    notifications = tenant.owner.get("notifications/").json["items"]
    keys = tenant.owner.get("auth/api-keys/").json["items"]
    return {
        **group_ids(tenant),
        **team_ids(tenant),
        "job_id": jobs,
        "ticket_id": [ticket_of(jobs[1])],
        "endpoint_id": [endpoint["id"]],
        "delivery_id": [deliveries[0]["id"]],
        "notification_id": [notifications[0]["id"]],
        "key_id": [keys[0]["id"]],
        "session_id": [tenant.owner.get("auth/sessions/").json["items"][0]["id"]],
    }


def team_ids(tenant: Tenant) -> dict[str, list[str]]:
    """A member, a role, an invitation; and what only staff may name."""
    role = {"name": new_id("role"), "permissions": ["media:read"]}
    guest = {"email": f"{new_id('guest')}@example.com"}
    return {
        "member_id": [tenant.owner.get("tenant/members/").json["items"][0]["id"]],
        "role_id": [tenant.owner.post("tenant/roles/", role).json["id"]],
        "invitation_id": [tenant.owner.post("tenant/invitations/", guest).json["id"]],
        "tenant_id": [tenant.id],
        "user_id": [tenant.user_id],
    }


def group_ids(tenant: Tenant) -> dict[str, list[str]]:
    """A batch, a pipeline's run, a preset."""
    steps = {
        "in": {"operation": "import/upload"},
        "out": {"operation": "convert", "input": "in", "output_format": "webp"},
    }
    preset = tenant.api.post("conversions/presets/", {"name": new_id("name"), "steps": steps})
    return {
        "batch_id": [make_batch(tenant, 2)["id"]],
        "pipeline_id": [make_run(tenant, steps)["id"]],
        "preset_id": [preset.json["id"]],
    }


def templated_routes(visitor: Api) -> list[tuple[str, str]]:
    """Method and path of every route with a parameter, from swagger.json."""
    paths: dict[str, dict[str, Any]] = visitor.get("/swagger.json").json["paths"]
    return [
        (method, path)
        for path, operations in paths.items()
        if "{" in path
        for method in operations
        if method in METHODS
    ]


def test_no_route_shows_or_changes_what_is_another_tenants(
    acme: Tenant, globex: Tenant, visitor: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = foreign_ids(acme, tmp_path)
    before = [acme.api.get(f"conversions/jobs/{job}/").json for job in ids["job_id"]]
    calls = 0

    for method, path in templated_routes(visitor):
        names = re.findall(r"{(\w+)}", path)
        if set(names) <= WORDS:
            continue
        unknown = set(names) - set(ids) - WORDS
        assert not unknown, f"teach this walk an id for {unknown} of {path}"
        for value in ids[names[0]]:
            url = re.sub(r"{\w+}", value, path)
            for caller in (globex.api, globex.owner, globex.test_api):
                body: dict[str, str] | None = BODIES.get((method, path), {})
                body = body if method in ("post", "put", "patch") else None
                reply = caller.call(method.upper(), url, body)
                calls += 1
                assert (reply.status, reply.code) in (
                    (404, "not_found"),
                    (403, "scope_missing"),  # a key without the scope learns nothing either
                    (403, "permission_denied"),  # nor does a key where only people may go
                ), (method, url, reply)

    after = [acme.api.get(f"conversions/jobs/{job}/").json for job in ids["job_id"]]
    with capsys.disabled():
        print(f"\n  {calls} foreign calls refused", end=" ")  # noqa: T201 - the figure is the point
    assert calls >= 40
    assert before == after


def test_lists_hold_only_what_is_the_callers(acme: Tenant, globex: Tenant, tmp_path: Path) -> None:
    ids = foreign_ids(acme, tmp_path)
    foreign = {value for values in ids.values() for value in values}

    paths = ("jobs", "batches", "pipelines", "presets")
    for path in (
        *(f"conversions/{name}/" for name in paths),
        *("webhooks/endpoints/", "webhooks/deliveries/"),
    ):
        seen = globex.api.get(f"{path}?limit=200").json["items"]
        assert foreign.isdisjoint(item["id"] for item in seen), path
    for path in ("notifications/", "auth/api-keys/"):
        seen = globex.owner.get(f"{path}?limit=200").json["items"]
        assert foreign.isdisjoint(item["id"] for item in seen), path


def test_the_caller_sees_its_own(acme: Tenant, tmp_path: Path) -> None:
    ids = foreign_ids(acme, tmp_path)

    assert acme.api.get(f"conversions/jobs/{ids['job_id'][0]}/").status == 200
    assert acme.owner.get(f"auth/api-keys/{ids['key_id'][0]}/").status == 200
    assert acme.api.get(f"webhooks/endpoints/{ids['endpoint_id'][0]}/").status == 200
    assert acme.api.get(f"webhooks/deliveries/{ids['delivery_id'][0]}/").status == 200


def test_the_default_secrets_differ(acme: Tenant, globex: Tenant) -> None:
    one = acme.api.get("webhooks/default-secret/").json["secret"]
    two = globex.api.get("webhooks/default-secret/").json["secret"]

    assert one != two
    assert acme.api.get("webhooks/default-secret/").json["secret"] == one


def test_a_tasks_message_without_a_tenant_is_refused() -> None:
    from config.celery import app

    task = app.tasks["conversions.run_job"]

    with pytest.raises(TenantMissing):
        task("tkt_none")


def test_a_task_runs_in_the_tenant_of_its_header_and_leaves_it(acme: Tenant) -> None:
    from config.celery import app

    @app.task(base=TenantTask, name="tests.schema", shared=False)
    def schema() -> str:
        return current_schema()

    schema.push_request(headers={HEADER: acme.schema})
    try:
        seen = schema()
    finally:
        schema.pop_request()
        app.tasks.unregister("tests.schema")

    assert seen == acme.schema
    assert current_schema() == "public"


def test_a_task_for_the_public_schema_is_refused_as_a_tenant() -> None:
    with pytest.raises(TenantMissing), in_tenant("public"):
        pass
    with pytest.raises(TenantMissing), in_tenant(""):
        pass


def test_every_task_runs_in_a_tenant_or_says_that_it_is_public() -> None:
    from config.celery import app

    ours = [task for name, task in app.tasks.items() if not name.startswith("celery.")]

    assert len(ours) >= 6
    assert all(isinstance(task, TenantTask) for task in ours), [task.name for task in ours]


def test_each_schema_names_itself(acme: Tenant, globex: Tenant) -> None:
    for tenant in (acme, globex):
        with in_tenant(tenant.schema):
            assert [row.schema_name for row in Identity.objects.all()] == [tenant.schema]
            check_identity(tenant.schema)


def test_a_mixed_up_schema_is_noticed(acme: Tenant, globex: Tenant) -> None:
    with in_tenant(acme.schema), pytest.raises(SchemaMixedUp):
        check_identity(globex.schema)


def test_a_thread_starts_in_public(acme: Tenant) -> None:
    seen = []

    def look() -> None:
        seen.append(current_schema())
        connection.close()

    with in_tenant(acme.schema):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    assert seen == ["public"]


def test_the_connection_is_in_public_after_a_request_and_after_a_fault(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no")

    acme.api.get("conversions/jobs/")
    after_answer = current_schema()
    monkeypatch.setattr("conversions.queries.job_list", explode)
    acme.api.get("conversions/jobs/")

    assert (after_answer, current_schema()) == ("public", "public")


def test_work_for_a_tenant_outside_of_one_is_an_error() -> None:
    with in_public(), pytest.raises(TenantMissing):
        require_tenant()


def test_cache_keys_carry_the_schema_and_the_platforms_do_not(acme: Tenant, globex: Tenant) -> None:
    with in_tenant(acme.schema):
        cache.set("colour", "red")
        caches["platform"].set("colour", "blue")

    with in_tenant(globex.schema):
        assert cache.get("colour") is None
        assert caches["platform"].get("colour") == "blue"
    with in_tenant(acme.schema):
        assert cache.get("colour") == "red"
