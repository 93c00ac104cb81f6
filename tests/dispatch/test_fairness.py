"""Whose turn it is: service time by weight, nobody starves, no class starves another."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.db import connection

import dispatch.services as dispatch
from dispatch.models import Pace, Share, Ticket
from dispatch.turns import PUMP
from tests.dispatch.lanes import (
    claim_next,
    make_lane,
    make_tickets,
    run_for,
    sent,
    service_seconds,
    windows,
)

pytestmark = pytest.mark.usefixtures("quiet")
WEIGHTS = (1, 2, 5, 10)
TOLERANCE = 0.1


def assert_shares(had: dict[str, float], weights: dict[str, int]) -> None:
    total, whole = sum(had.values()), sum(weights.values())
    for lane, weight in weights.items():
        assert had[lane] / total == pytest.approx(weight / whole, rel=TOLERANCE)


def test_service_time_follows_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch, convert=4)
    lanes = {make_lane(weight): weight for weight in WEIGHTS}
    for lane in lanes:
        make_tickets(lane, 200)

    had = service_seconds(2, 110, lambda row: 1.0)

    assert_shares(had, lanes)


def test_work_that_takes_ten_times_as_long_gets_no_larger_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    windows(monkeypatch, convert=4)
    long, mixed, short = make_lane(2), make_lane(1), make_lane(2)
    make_tickets(long, 50, kind="long")
    for _ in range(40):
        make_tickets(mixed, 1, kind="long")
        make_tickets(mixed, 4, kind="short")
    make_tickets(short, 350, kind="short")

    had = service_seconds(2, 360, lambda row: 10.0 if row.kind == "long" else 1.0)

    assert_shares(had, {long: 2, mixed: 1, short: 2})


def test_work_that_takes_other_than_its_kind_is_put_right(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch, convert=4)
    slow, quick = make_lane(), make_lane()
    for lane in (slow, quick):
        make_tickets(lane, 400, kind="same")

    had = service_seconds(2, 120, lambda row: 4.0 if row.lane_id == slow else 1.0)

    assert_shares(had, {slow: 1, quick: 1})


def test_idleness_earns_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch, convert=4)
    busy, sleeper = make_lane(), make_lane()
    make_tickets(sleeper, 1)
    make_tickets(busy, 100)
    service_seconds(2, 30, lambda row: 1.0)
    make_tickets(sleeper, 100)

    had = service_seconds(2, 40, lambda row: 1.0)

    assert_shares(had, {busy: 1, sleeper: 1})


def test_the_first_job_of_a_late_comer_goes_before_what_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    windows(monkeypatch, convert=4)
    heavy, light = make_lane(weight=10), make_lane(weight=1)
    make_tickets(heavy, 200)
    service_seconds(2, 20, lambda row: 1.0)
    make_tickets(light, 1)

    before = sent(heavy)
    lanes = []
    for _ in range(before + 1):
        taken = claim_next()
        assert taken
        lanes.append(taken[0].schema_name)
        run_for(taken[0], 1.0)

    assert lanes[before:] == [light]


def test_who_works_long_takes_no_second_worker_from_who_works_briefly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    windows(monkeypatch, office=2)
    for kind, seconds in (("long", 60.0), ("short", 1.0)):
        Pace.objects.create(queue="office", kind=kind, seconds=seconds, runs=50)
    long, short = make_lane(), make_lane()
    make_tickets(long, 1, queue="office", kind="long")
    dispatch.pump()
    assert claim_next("office")
    make_tickets(long, 9, queue="office", kind="long")
    make_tickets(short, 9, queue="office", kind="short")
    Share.objects.create(lane_id=short, queue="office", served=62, is_in_turn=True)

    dispatch.pump()

    assert Share.objects.get(lane_id=long).served == pytest.approx(60)  # less than the other
    assert (sent(long), sent(short)) == (0, 1)


def test_what_runs_on_and_on_counts_before_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch, convert=3)
    long, short = make_lane(), make_lane()
    make_tickets(long, 1)
    dispatch.pump()
    assert claim_next()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE dispatch_ticket SET started_at = now() - interval '60 seconds'")
    make_tickets(long, 9)
    make_tickets(short, 9)

    dispatch.pump()

    assert (sent(long), sent(short)) == (0, 2)


def test_a_given_back_run_is_charged_for_what_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch, convert=1)
    lane = make_lane(weight=2)
    make_tickets(lane, 1)
    dispatch.pump()
    taken = claim_next()
    assert taken
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE dispatch_ticket SET sent_at = now() - interval '9 seconds',"
            " started_at = now() - interval '8 seconds'"
        )

    dispatch.retry(taken[0], delay_s=60)
    dispatch.pump()

    assert Share.objects.get(lane_id=lane).served == pytest.approx(4, abs=0.2)


def test_a_message_that_nobody_took_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch, convert=1)
    lane = make_lane()
    make_tickets(lane, 1)
    dispatch.pump()
    assert Share.objects.get(lane_id=lane).served > 0

    row = Ticket.objects.get(lane_id=lane)
    dispatch.withdraw(task=row.task, ref=row.ref)
    make_tickets(make_lane(), 1)  # a pump that has nothing to send settles nothing
    dispatch.pump()

    assert Share.objects.get(lane_id=lane).served == pytest.approx(0)


def test_long_work_leaves_a_slot_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch, convert=4, media=4)
    lane = make_lane(slots=3)
    make_tickets(lane, 9, queue="media")
    make_tickets(lane, 9, queue="convert")

    dispatch.pump()

    queues = Ticket.objects.filter(lane_id=lane, state="sent").values_list("queue", flat=True)
    assert sorted(queues) == ["convert", "media", "media"]


def test_a_full_queue_holds_nobody_up_in_another(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch, office=1, convert=4)
    first, second = make_lane(slots=2), make_lane(slots=2)
    make_tickets(first, 5, queue="office")
    dispatch.pump()
    make_tickets(second, 5, queue="office")
    make_tickets(second, 5, queue="convert")

    dispatch.pump()

    assert Ticket.objects.filter(lane_id=second, state="sent", queue="convert").count() == 2


def test_places_that_slots_leave_free_go_to_others_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    windows(monkeypatch, office=1, convert=1)
    first, second = make_lane(slots=1), make_lane(slots=1)
    make_tickets(first, 1, queue="office")
    make_tickets(first, 1, queue="convert")
    make_tickets(second, 1, queue="office")
    make_tickets(second, 1, queue="convert")

    dispatch.pump()

    assert (sent(first), sent(second)) == (1, 1)


def test_a_lane_that_was_at_its_slots_saves_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch, convert=4)
    narrow, wide = make_lane(slots=1), make_lane(slots=100)
    make_tickets(narrow, 200)
    make_tickets(wide, 200)
    service_seconds(4, 30, lambda row: 1.0)
    dispatch.set_lane(schema_name=narrow, weight=1, slots=100)

    had = service_seconds(4, 50, lambda row: 1.0)

    assert_shares(had, {narrow: 1, wide: 1})


def test_the_pump_looks_at_lanes_that_wait_and_at_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lanes = [make_lane() for _ in range(3)]
    for lane in lanes:
        make_tickets(lane, 1_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE dispatch_ticket")
        cursor.execute(
            "EXPLAIN (ANALYZE, FORMAT JSON) " + PUMP, {"queues": ["convert"], "sizes": [4]}
        )
        (plan,) = cursor.fetchone()

    read = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") in TICKETS]

    assert read
    assert not [node for node in read if node["Node Type"] == "Seq Scan"]
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in read) < 100


TICKETS = {"dispatch_ticket", "dispatch_lane"}


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Every node of a plan."""
    below = plan.get("Plans", [])
    return [plan, *itertools.chain.from_iterable(nodes(child) for child in below)]
