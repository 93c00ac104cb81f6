"""Who did what: noted by the middleware, kept when processes or the database fail."""

from __future__ import annotations

import os
import subprocess  # noqa: TID251 - a process of its own is killed
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from audit.models import Activity
from audit.queries import activity_in, activity_of
from audit.services import SPOOL, forget_person, record_activity
from audit.spool import Spool, folder
from core.calling import NOBODY
from tests.client import Api
from tests.factories.jobs import make_completed_job
from tests.factories.tenants import Tenant, make_tenant


@pytest.fixture
def tenant() -> Tenant:
    """A tenant nobody has called for yet."""
    return make_tenant()


def seen(tenant: Tenant) -> list[tuple[str, int | None]]:
    SPOOL.drain()
    rows = activity_in(tenant.schema).order_by("id")
    return [(row.action, row.status) for row in rows]


def test_what_a_caller_changes_and_takes_is_noted_and_what_it_reads_is_not(
    tenant: Tenant, tmp_path: Path
) -> None:
    job = make_completed_job(tenant, tmp_path)
    tenant.api.get("conversions/jobs/")
    tenant.api.get(f"conversions/jobs/{job}/download/")
    tenant.api.delete(f"conversions/jobs/{job}/")
    tenant.api.delete(f"conversions/jobs/{job}x/")

    assert seen(tenant) == [("create", 202), ("download", 200), ("delete", 204), ("delete", 404)]
    rows = list(activity_in(tenant.schema).order_by("id"))
    assert [row.target for row in rows] == [job, job, job, f"{job}x"]
    assert rows[1].route == "GET /api/v1/conversions/jobs/<job_id>/download/"
    assert {row.user_id for row in rows} == {tenant.user_id}
    assert all(row.api_key_id.startswith("key_") for row in rows)


def test_a_row_says_from_where(tenant: Tenant) -> None:
    caller = Api(tenant.api.authorization, more={"User-Agent": "probe\x00/1 " + "x" * 400})

    reply = caller.call("DELETE", "conversions/jobs/job_none/", headers={"X-Request-Id": "mark-1"})

    assert reply.status == 404
    SPOOL.drain()
    row = activity_in(tenant.schema).get()
    assert (row.address, row.request_id) == ("127.0.0.1", "mark-1")
    assert row.user_agent.startswith("probe/1 x")
    assert len(row.user_agent) == 300


def test_a_login_is_the_persons_own_activity(tenant: Tenant) -> None:
    assert tenant.owner.get("auth/api-keys/").status == 200

    SPOOL.drain()
    row = activity_of(tenant.user_id).get()
    assert (row.action, row.status, row.schema_name) == ("login", 200, "")


def test_a_stranger_leaves_no_row(visitor: Api) -> None:
    SPOOL.drain()
    before = Activity.objects.count()

    visitor.post("conversions/convert/")
    visitor.post("auth/login/", {"username": "nobody", "password": "wrong"})

    SPOOL.drain()
    assert Activity.objects.count() == before


def test_an_answer_that_is_replayed_is_noted_once(tenant: Tenant) -> None:
    for _ in range(3):
        tenant.api.convert(headers={"Idempotency-Key": "once"})

    assert seen(tenant) == [("create", 202)]


def test_a_call_whose_process_died_is_noted_without_an_end(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:  # what was noted when the process was killed
        patch.setattr("audit.middleware.note_end", lambda *args, **known: None)
        tenant.api.delete("conversions/jobs/job_none/")

    assert seen(tenant) == [("delete", None)]


def test_what_a_killed_process_left_is_adopted(tenant: Tenant) -> None:
    code = (
        "import os, signal; import django; django.setup()\n"
        "from audit import services, spool\n"
        "spool.GATHER_S = 60\n"
        "services.record_activity(action='login', user_id='usr_killed',"
        f" schema_name='{tenant.schema}')\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**settings_of_this_process()}, check=False
    )

    assert done.returncode == -9
    assert seen(tenant) == [("login", 200)]
    assert list(folder().iterdir()) == []


def settings_of_this_process() -> dict[str, str]:
    from tests.product import prepare

    return {**prepare().settings(), "PYTHONPATH": ".:platform", "PATH": os.defpath}


def test_a_database_that_is_away_keeps_rows_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[dict[str, Any]] = []

    def away(rows: list[dict[str, Any]]) -> None:
        raise OperationalError("no database")

    spool = Spool(away, lambda: tmp_path)
    monkeypatch.setattr(spool, "keep_draining", lambda: None)
    spool.append({"id": "act_1", "status": None})
    with pytest.raises(OperationalError):
        spool.drain()
    spool.append({"id": "act_1", "status": 200})
    spool.store = stored.extend
    spool.drain()

    # Files of one millisecond come in any order; `store` knows a beginning from an end.
    assert len(stored) == 2
    assert {row["status"] for row in stored} == {None, 200}


def test_a_living_process_keeps_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored: list[dict[str, Any]] = []
    mine, other = (Spool(stored.extend, lambda: tmp_path) for _ in range(2))
    for spool in (mine, other):
        monkeypatch.setattr(spool, "keep_draining", lambda: None)
    mine.append({"id": "act_1"})

    assert other.adopt() == 0
    assert mine.drain() == 1


def test_a_line_torn_by_a_crash_costs_only_itself(tenant: Tenant) -> None:
    record_activity(action="login", user_id="usr_1", schema_name=tenant.schema)
    (folder() / "torn.jsonl").write_bytes(b'{"id": "act_x", "sta')

    assert seen(tenant) == [("login", 200)]
    assert not (folder() / "torn.jsonl").exists()


def test_without_a_spool_a_row_goes_straight_to_the_database(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(row: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SPOOL, "append", full)
    record_activity(action="login", user_id="usr_1", schema_name=tenant.schema)

    assert activity_in(tenant.schema).get().action == "login"


def test_a_person_who_is_erased_stays_as_a_pseudonym(tenant: Tenant) -> None:
    tenant.api.delete("conversions/jobs/job_none/")

    forget_person(user_id=tenant.user_id)

    row = activity_of(tenant.user_id).get()
    assert (row.address, row.user_agent) == ("", "")


def test_a_task_is_nobodys_call() -> None:
    from core.calling import calling

    assert calling() == NOBODY


def test_the_route_shows_a_tenants_activity_and_no_others(tenant: Tenant, globex: Tenant) -> None:
    tenant.api.delete("conversions/jobs/job_mine/")
    globex.api.delete("conversions/jobs/job_other/")
    SPOOL.drain()

    items = tenant.owner.get("tenant/activity/?action=delete").json["items"]
    export = tenant.owner.get("tenant/activity/export/?format=json").json

    assert [item["target"] for item in items] == ["job_mine"]
    assert [item["target"] for item in export] == ["job_mine"]
    assert items[0]["actor"] == tenant.user_id
