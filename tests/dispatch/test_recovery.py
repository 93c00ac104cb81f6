"""Holders that die, work that is given up, and a queue that says it is full."""

from __future__ import annotations

import os
import subprocess  # noqa: TID251 - a process that has ended
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

import dispatch.services as dispatch
from conversions.services import run_job
from core.queue import send
from core.tenancy import in_tenant
from dispatch import owners, recovery, room
from dispatch.models import Ticket
from tests.client import PNG
from tests.factories.jobs import make_job, ticket_of
from tests.factories.tenants import Tenant, make_staff, make_tenant
from tests.jobs.test_run_job import RUN_STEP, RUN_STEPS, job_of, works


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No ticket of another test, no bell, nothing remembered of the queue."""
    Ticket.objects.all().delete()
    monkeypatch.setattr(dispatch, "send", lambda *args, **kwargs: True)
    room.forget()
    yield
    room.forget()


def dead_owner() -> str:
    """A process of this machine that has ended, as tickets would name it."""
    code = "from dispatch.owners import me; print(me())"
    env = {"PYTHONPATH": ".:platform"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def lose(job_id: str, *, times: int = 1) -> None:
    """Whoever claims the job's ticket dies, again and again."""
    for _ in range(times):
        ticket = ticket_of(job_id)
        assert dispatch.claim(ticket)
        Ticket.objects.filter(pk=ticket).update(owner=dead_owner())
        dispatch.reconcile()


def work(tenant: Tenant, job_id: str) -> None:
    with in_tenant(tenant.schema):
        run_job(ticket_id=ticket_of(job_id))


def test_this_process_lives_and_one_that_ended_does_not() -> None:
    other_place = f"{owners.me().rpartition('@')[0]}@elsewhere"

    assert not owners.is_dead(owners.me())
    assert owners.is_dead(dead_owner())
    assert not owners.is_dead(other_place)
    assert not owners.is_dead("")
    assert owners.is_dead(f"host:{os.getpid()}:1@{owners.place()}")


def test_a_dead_holders_ticket_comes_back_before_its_lease_runs_out(acme: Tenant) -> None:
    job_id = make_job(acme)

    lose(job_id)

    row = Ticket.objects.get(ref=job_id)
    assert (row.state, row.lost) == ("sent", 1)


def test_a_file_that_kills_its_worker_each_time_ends_after_three(acme: Tenant) -> None:
    job_id = make_job(acme)
    lose(job_id, times=3)

    work(acme, job_id)

    job = job_of(acme, job_id)
    assert (job["status"], job["error"]["code"]) == ("failed", "internal_error")  # type: ignore[index]
    assert acme.api.get(f"conversions/jobs/{job_id}/").json["error"]["retryable"]


def test_a_job_is_not_blamed_while_the_workers_of_others_die_too(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RUN_STEP, "execute", works)
    job_id, other = make_job(acme), make_job(acme)
    lose(job_id, times=2)
    lose(other)
    lose(job_id, times=3)
    with in_tenant(acme.schema):
        lease = dispatch.claim(ticket_of(job_id))
    assert lease
    assert (lease.attempt, recovery.is_stormy(lease)) == (6, True)

    Ticket.objects.filter(ref=job_id).update(state="waiting", attempts=10)
    work(acme, job_id)

    assert job_of(acme, job_id)["status"] == "failed"


def test_what_nobody_survives_is_a_dead_letter_that_staff_runs_again(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff = make_staff().api
    job_id = make_job(acme)
    lose(job_id, times=3)
    work(acme, job_id)

    found = staff.get("staff/dead-letters/?tenant=acme").json["items"]
    assert [letter["ref"] for letter in found] == [job_id]
    assert found[0]["reason"].startswith("internal_error: ")
    assert (found[0]["tenant"], found[0]["lost"]) == ("acme", 3)
    assert staff.get("staff/dead-letters/?tenant=globex").json["items"] == []

    reply = staff.post(f"staff/dead-letters/{found[0]['id']}/rerun/")

    assert reply.status == 202, reply.body
    assert staff.get("staff/dead-letters/").json["items"] == []
    assert job_of(acme, job_id)["status"] == "pending"
    used = acme.api.quota()
    monkeypatch.setattr(RUN_STEP, "execute", works)
    monkeypatch.setattr(RUN_STEPS, "verify", lambda *args, **kwargs: good())
    work(acme, job_id)
    assert job_of(acme, job_id)["status"] == "completed"
    assert acme.api.quota() == (used[0] + 1, used[1] - 1)
    again = staff.post(f"staff/dead-letters/{found[0]['id']}/rerun/")
    assert (again.status, again.code) == (404, "not_found")


def good() -> object:
    from conversions.verification import Report

    return Report(verdict="verified", checks=())


def test_a_retry_by_the_customer_takes_the_letter_away(acme: Tenant) -> None:
    job_id = make_job(acme)
    lose(job_id, times=3)
    work(acme, job_id)
    assert recovery.letters().count() == 1

    assert acme.api.post(f"conversions/jobs/{job_id}/retry/").status == 202

    assert recovery.letters().count() == 0


def test_a_file_that_is_to_blame_is_no_dead_letter(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conversions.engines.spec import InputRejected

    def rejects(*args: object) -> None:
        raise InputRejected("This picture is damaged.")

    monkeypatch.setattr(RUN_STEP, "execute", rejects)
    work(acme, make_job(acme))

    assert recovery.letters().count() == 0


def test_work_of_any_task_is_given_up_at_last_and_goes_on_when_revived(acme: Tenant) -> None:
    with in_tenant(acme.schema):
        ticket = dispatch.submit(task="t", ref="nobody survives this", queue="io")
    Ticket.objects.filter(pk=ticket).update(lost=dispatch.MOST_LOST - 1)
    assert dispatch.claim(ticket)
    Ticket.objects.filter(pk=ticket).update(owner=dead_owner())
    dispatch.reconcile()

    row = Ticket.objects.get(pk=ticket)
    assert (row.state, row.lost) == ("dead", dispatch.MOST_LOST)
    assert dispatch.claim(ticket) is None
    assert make_staff().api.post(f"staff/dead-letters/{ticket}/rerun/").status == 202
    lease = dispatch.claim(ticket)
    assert lease
    assert lease.attempt == 1


def test_a_full_queue_says_so_and_takes_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant, other = make_tenant(), make_tenant()
    monkeypatch.setattr(room, "bounds", lambda: (3, 5))
    monkeypatch.setattr(dispatch, "windows", lambda: {"convert": 0, "office": 0, "media": 0})
    jobs = [make_job(tenant) for _ in range(3)]
    used = tenant.api.quota()

    refused = tenant.api.convert()

    assert (refused.status, refused.code) == (503, "queue_full")
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.json["retryable"] is True
    assert tenant.api.quota() == used
    files = [("files", (f"{n}.png", PNG)) for n in range(3)]
    batch = other.api.upload("conversions/batch-convert/", files, {"output_format": "webp"})
    assert (batch.status, batch.code) == (503, "queue_full")
    assert other.api.convert().status == other.api.convert().status == 202
    assert other.api.convert().code == "queue_full"

    tenant.api.post(f"conversions/jobs/{jobs[0]}/cancel/")
    room.forget()
    assert tenant.api.convert().status == 202


def test_counts_are_remembered_for_a_second_only(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = make_tenant()
    monkeypatch.setattr(room, "REMEMBERED_S", 0)
    monkeypatch.setattr(dispatch, "windows", lambda: {"convert": 0})
    make_job(tenant)

    assert room.waiting(tenant.schema) == 1
    assert room.waiting(room.EVERYONE) == 1


def test_a_job_starts_no_sooner_than_it_was_put_off_to(acme: Tenant) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    reply = acme.api.convert(start_at=later.isoformat())
    job_id = reply.json["id"]
    dispatch.pump()

    row = Ticket.objects.get(ref=job_id)
    assert (row.state, row.run_after) == ("waiting", later)
    job = job_of(acme, job_id)
    assert (job["status"], job["stage"]) == ("pending", "scheduled")
    assert datetime.fromisoformat(str(job["start_at"])) == later

    Ticket.objects.filter(ref=job_id).update(run_after=datetime.now(UTC))
    dispatch.pump()
    assert Ticket.objects.get(ref=job_id).state == "sent"


def test_a_batch_is_put_off_as_a_whole_and_nothing_by_a_year(acme: Tenant) -> None:
    later = datetime.now(UTC) + timedelta(days=2)
    files = [("files", (f"{n}.png", PNG)) for n in range(2)]
    fields = {"output_format": "webp", "start_at": later.isoformat()}
    batch = acme.api.upload("conversions/batch-convert/", files, fields)

    assert batch.status == 202
    assert set(Ticket.objects.values_list("run_after", flat=True)) == {later}
    far = acme.api.convert(start_at=(later + timedelta(days=365)).isoformat())
    assert (far.status, far.code) == (422, "validation_error")
    past = acme.api.convert(start_at="2020-01-01T00:00:00Z")
    assert past.status == 202


def test_the_sweep_is_heard_before_what_waits() -> None:
    from config.celery import app

    queue = f"crowded-{os.getpid()}"
    for number in range(5):
        assert send("webhooks.attempt", f"tkt_{number}", queue=queue)
    app.send_task("dispatch.reconcile", queue=queue, ignore_result=True)  # as beat sends it

    with app.connection() as link, link.SimpleQueue(queue) as waiting:
        heard = [waiting.get(timeout=5) for _ in range(6)]
        for message in heard:
            message.ack()

    names = [message.headers["task"] for message in heard]
    assert names == ["dispatch.reconcile", *["webhooks.attempt"] * 5]
