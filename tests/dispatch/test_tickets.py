"""Tickets: one claim, one end, nothing lost, everyone in turn."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction

import dispatch.services as dispatch
from core.tenancy import in_public, in_tenant
from dispatch.errors import LeaseLost
from dispatch.models import Ticket
from tests.dispatch.lanes import make_lane, make_tickets, sent, windows
from tests.factories.jobs import make_job, ticket_of
from tests.factories.tenants import Tenant
from tests.threads import at_once

pytestmark = pytest.mark.usefixtures("quiet")


def age(ticket: str, seconds: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE dispatch_ticket SET lease_until = lease_until - %s * interval '1 second',"
            " sent_at = sent_at - %s * interval '1 second' WHERE id = %s",
            [seconds, seconds, ticket],
        )


def test_a_ticket_is_claimed_once(acme: Tenant) -> None:
    ticket = ticket_of(make_job(acme))

    first, second = dispatch.claim(ticket), dispatch.claim(ticket)

    assert first
    assert (first.fence, first.attempt, first.schema_name) == (1, 1, acme.schema)
    assert second is None
    assert dispatch.claim("tkt_unknown") is None


def test_of_twenty_claims_at_once_one_wins(acme: Tenant) -> None:
    ticket = ticket_of(make_job(acme))

    leases = at_once(20, lambda _: dispatch.claim(ticket))

    assert sum(lease is not None for lease in leases) == 1


def test_whoever_lost_the_lease_cannot_end_the_ticket(acme: Tenant) -> None:
    ticket = ticket_of(make_job(acme))
    late = dispatch.claim(ticket)
    assert late
    age(ticket, 3600)
    dispatch.reconcile()
    holder = dispatch.claim(ticket)
    assert holder

    with pytest.raises(LeaseLost), transaction.atomic():
        dispatch.close(late)

    assert not dispatch.keep(late)
    assert dispatch.keep(holder)
    assert holder.fence == late.fence + 1
    dispatch.close(holder)
    assert Ticket.objects.get(pk=ticket).state == "done"


def test_the_sweep_takes_back_an_expired_lease_and_leaves_a_living_one(acme: Tenant) -> None:
    dead, alive = ticket_of(make_job(acme)), ticket_of(make_job(acme))
    dispatch.claim(dead)
    dispatch.claim(alive)
    age(dead, 3600)

    back = dispatch.reconcile()

    assert back == 1
    assert Ticket.objects.get(pk=dead).state in ("waiting", "sent")
    assert Ticket.objects.get(pk=alive).state == "running"


def test_the_sweep_sends_a_lost_message_again(acme: Tenant) -> None:
    cache.set(dispatch.EPOCH, 1, timeout=None)
    ticket = ticket_of(make_job(acme))
    assert Ticket.objects.get(pk=ticket).state == "sent"

    early = dispatch.reconcile()
    age(ticket, 3600)
    late = dispatch.reconcile()

    assert (early, late) == (0, 1)
    row = Ticket.objects.get(pk=ticket)
    assert row.state == "sent"
    assert row.attempts == 0


def test_an_emptied_redis_makes_the_sweep_ring_for_everything_at_once(acme: Tenant) -> None:
    cache.set(dispatch.EPOCH, 1, timeout=None)
    make_job(acme)
    make_job(acme)

    cache.clear()

    assert dispatch.reconcile() == 2


def test_a_ticket_given_back_waits_for_its_time(acme: Tenant) -> None:
    ticket = ticket_of(make_job(acme))
    lease = dispatch.claim(ticket)
    assert lease

    dispatch.retry(lease, delay_s=60)
    dispatch.pump()

    assert Ticket.objects.get(pk=ticket).state == "waiting"


def test_one_open_ticket_for_a_piece_of_work(acme: Tenant) -> None:
    with in_tenant(acme.schema):
        first = dispatch.submit(task="t", ref="same", queue="convert")
        second = dispatch.submit(task="t", ref="same", queue="convert")
        lease = dispatch.claim(first)
        assert lease
        dispatch.close(lease)
        third = dispatch.submit(task="t", ref="same", queue="convert")

    assert first
    assert second == ""
    assert third not in ("", first)
    with pytest.raises(IntegrityError), transaction.atomic():
        Ticket.objects.create(lane_id=acme.schema, task="t", ref="same", queue="convert")


def test_a_ticket_lives_and_dies_with_its_transaction(acme: Tenant) -> None:
    with pytest.raises(ZeroDivisionError), in_tenant(acme.schema), transaction.atomic():  # noqa: PT012
        dispatch.submit(task="t", ref="undone", queue="convert")
        _ = 1 / 0

    assert not Ticket.objects.filter(ref="undone").exists()


def test_the_late_comer_waits_one_round_not_the_whole_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    windows(monkeypatch, convert=4)
    big, late = make_lane(), make_lane()
    make_tickets(big, 300)
    make_tickets(late, 1)

    dispatch.pump()

    assert (sent(big), sent(late)) == (3, 1)


def test_weights_share_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch, convert=12)
    light, heavy = make_lane(weight=1), make_lane(weight=3)
    make_tickets(light, 50)
    make_tickets(heavy, 50)

    dispatch.pump()

    assert (sent(light), sent(heavy)) == (3, 9)


def test_slots_hold_over_all_queues_and_deliveries_use_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    windows(monkeypatch, convert=10, media=10, io=10)
    lane = make_lane(slots=3)
    make_tickets(lane, 1, queue="media", state="running")
    make_tickets(lane, 5, queue="convert")
    make_tickets(lane, 5, queue="media")
    make_tickets(lane, 5, queue="io")

    dispatch.pump()

    jobs = Ticket.objects.filter(lane_id=lane, state__in=["sent", "running"]).exclude(queue="io")
    assert jobs.count() == 3
    assert Ticket.objects.filter(lane_id=lane, state="sent", queue="io").count() == 5


def test_windows_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch, convert=4, office=1)
    lanes = [make_lane() for _ in range(3)]
    for lane in lanes:
        make_tickets(lane, 5, queue="convert")
        make_tickets(lane, 5, queue="office")

    first, second = dispatch.pump(), dispatch.pump()

    assert (first, second) == (5, 0)
    assert Ticket.objects.filter(state="sent", queue="office").count() == 1


def test_pumps_at_once_send_each_ticket_once(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch, convert=20)
    rung: list[str] = []

    def ring(task: str, ticket: str, **rest: object) -> bool:
        rung.append(ticket)
        return True

    monkeypatch.setattr(dispatch, "send", ring)
    lane = make_lane()
    make_tickets(lane, 60)

    at_once(10, lambda _: dispatch.pump(), threads=10)

    assert len(rung) == len(set(rung)) == 20


def test_priority_and_age_order_a_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch, convert=2)
    lane = make_lane()
    make_tickets(lane, 3)
    Ticket.objects.create(lane_id=lane, task="t", ref="urgent", queue="convert", priority=9)
    oldest = Ticket.objects.filter(lane_id=lane, priority=0).order_by("id").first()
    assert oldest

    dispatch.pump()

    chosen = set(Ticket.objects.filter(lane_id=lane, state="sent").values_list("ref", flat=True))
    assert chosen == {"urgent", oldest.ref}


def test_the_place_in_the_queue_is_told(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch)
    jobs = [make_job(acme) for _ in range(3)]

    places = [acme.api.get(f"conversions/jobs/{job}/").json["queue"]["position"] for job in jobs]

    assert places == [1, 2, 3]


def test_a_job_of_an_overtaken_worker_leaves_nothing(
    acme: Tenant, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conversions.models import Job
    from conversions.services.finish_job import Failure, fail_job
    from conversions.services.run_job import start_job
    from core.outbox.models import OutboxEvent

    job_id = make_job(acme)
    ticket = ticket_of(job_id)
    used = acme.api.quota()
    with in_tenant(acme.schema):
        late = dispatch.claim(ticket)
        assert late
        start_job(late)
    age(ticket, 3600)
    dispatch.reconcile()
    dispatch.claim(ticket)

    with pytest.raises(LeaseLost), in_tenant(acme.schema):
        fail_job(Job.objects.get(pk=job_id), late, Failure("engine_failed", "late"))

    assert acme.api.get(f"conversions/jobs/{job_id}/").json["status"] == "processing"
    assert acme.api.quota() == used
    with in_public():
        assert not OutboxEvent.objects.filter(type="job.failed", payload__id=job_id).exists()
