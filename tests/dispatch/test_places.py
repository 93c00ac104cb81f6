"""What a waiting customer is told: a true place, and a start that measured times let expect."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

import dispatch.services as dispatch
from dispatch.census import survey
from dispatch.forecast import Line, curves, when
from dispatch.models import Clock, Pace, Ticket
from dispatch.queries import Place, place_of
from tests.dispatch.lanes import claim_next, make_lane, make_tickets, run_for, windows

pytestmark = pytest.mark.usefixtures("quiet")
PERIOD = timedelta(seconds=10)


def place(row: Ticket) -> Place:
    found = place_of(task=row.task, ref=row.ref)
    assert found
    return found


def in_line(lane: str) -> list[Ticket]:
    """Waiting tickets of a lane, next first."""
    return list(Ticket.objects.filter(lane_id=lane, state="waiting").order_by("-priority", "id"))


def known(seconds: float, kind: str = "", queue: str = "convert") -> None:
    Pace.objects.create(queue=queue, kind=kind, seconds=seconds, runs=50)


def test_places_are_exact_before_and_after_a_survey(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch, convert=4)
    lane = make_lane()
    make_tickets(lane, 120)
    before = [place(row).position for row in in_line(lane)[:3]]
    survey()
    make_tickets(lane, 10)

    places = [place(row).position for row in in_line(lane)]

    assert before == [1, 2, 3]
    assert places == list(range(1, 131))


def test_places_move_up_without_a_new_survey(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch, convert=4)
    lane = make_lane()
    make_tickets(lane, 180)
    survey()
    for _ in range(70):
        dispatch.pump()
        taken = claim_next()
        assert taken
        run_for(taken[0], 1.0)
    survey_of_then = [place(row).position for row in in_line(lane)]

    assert survey_of_then == list(range(1, len(survey_of_then) + 1))
    assert len(survey_of_then) < 120


def test_urgent_work_stands_before_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch)
    lane = make_lane()
    make_tickets(lane, 130)
    survey()
    for number in range(60):
        Ticket.objects.create(
            lane_id=lane, task="t", ref=f"urgent-{number}", queue="convert", priority=5
        )
    survey()
    Ticket.objects.create(lane_id=lane, task="t", ref="last", queue="convert", priority=5)

    places = [place(row).position for row in in_line(lane)]

    assert places[:61] == list(range(1, 62))
    # Who stood here at the survey may not have heard of the newest one yet.
    late = [exact - told for exact, told in enumerate(places[61:], start=62)]
    assert set(late) <= {0, 1}


def test_the_start_follows_from_measured_times(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch)
    known(2.0)
    lane = make_lane()
    make_tickets(lane, 101)

    survey()

    rows = in_line(lane)
    first, last = place(rows[0]), place(rows[100])
    assert first.estimated_start_seconds == pytest.approx(0, abs=0.5)
    assert last.estimated_start_seconds == pytest.approx(200, abs=2)
    assert last.estimated_finish_seconds == pytest.approx(202, abs=2)


def test_the_start_knows_what_kinds_take(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch)
    known(1.0)
    known(10.0, kind="long")
    lane = make_lane()
    make_tickets(lane, 60, kind="long")
    make_tickets(lane, 1)

    survey()

    assert place(in_line(lane)[60]).estimated_start_seconds == pytest.approx(600, rel=0.05)


def test_the_start_knows_the_others_share(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch)
    known(1.0)
    heavy, light, short = make_lane(weight=3), make_lane(), make_lane()
    make_tickets(heavy, 300)
    make_tickets(light, 101)
    make_tickets(short, 10)

    survey()

    # A fifth of the service while the short line lasts, then a quarter.
    expected = 5 * 10 + 4 * (100 - 10)
    assert place(in_line(light)[100]).estimated_start_seconds == pytest.approx(expected, rel=0.05)


def test_the_start_knows_that_workers_rest_between_two(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch, convert=1)
    known(5.0)
    lane = make_lane()
    make_tickets(lane, 60)
    dispatch.pump()
    survey()

    for _ in range(15):  # of ten seconds each, five are service
        Clock.objects.update(surveyed_at=Now() - PERIOD)
        Ticket.objects.filter(state="done").update(
            started_at=F("started_at") - PERIOD, finished_at=F("finished_at") - PERIOD
        )
        taken = claim_next()
        assert taken
        run_for(taken[0], 5.0)
        dispatch.pump()
        survey()

    last = place(in_line(lane)[-1])
    assert last.estimated_start_seconds == pytest.approx(10 * (last.position + 1), rel=0.1)


def test_nothing_is_promised_where_nothing_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch)
    lane = make_lane()
    make_tickets(lane, 3)

    assert place(in_line(lane)[2]) == Place(3, None, None)


def test_a_place_in_a_long_line_reads_a_few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch)
    known(1.0)
    lane = make_lane()
    make_tickets(lane, 3_000)
    survey()
    row = in_line(lane)[2_980]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE dispatch_ticket")
        cursor.execute("ANALYZE dispatch_rung")
        before = rows_read(cursor)

    with CaptureQueriesContext(connection) as queries:
        found = place(row)

    assert found.position == 2_981
    assert len([q for q in queries if "dispatch_ticket" in q["sql"]]) == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        assert rows_read(cursor) - before < 200


def rows_read(cursor: object) -> int:
    """Index entries and rows of tickets that this database has read so far."""
    cursor.execute("SELECT pg_stat_force_next_flush()")  # type: ignore[attr-defined]
    cursor.execute(  # type: ignore[attr-defined]
        "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables"
        " WHERE relname = 'dispatch_ticket'"
    )
    (count,) = cursor.fetchone()  # type: ignore[attr-defined]
    return int(count)


def test_short_lines_leave_their_share_to_the_others() -> None:
    found = curves({"a": Line(1, 9, 10), "b": Line(3, 9, 90)}, parallel=2)

    assert found["a"][-1] == pytest.approx((20, 10))
    assert found["b"][-1] == pytest.approx((50, 90))
    assert when(found["b"], 30) == pytest.approx(20)
    assert when(found["b"], 1_000) == pytest.approx(50)


def test_slots_bound_the_rate_of_a_line() -> None:
    found = curves({"a": Line(10, 1, 10), "b": Line(1, 9, 30)}, parallel=4)

    assert found["a"][-1] == pytest.approx((10, 10))
    assert found["b"][-1] == pytest.approx((10, 30))
