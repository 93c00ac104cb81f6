"""Tickets whose holders died, and dead letters: who is to blame, and run it again."""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models import QuerySet

from core.tenancy import in_public
from dispatch.models import State, Ticket
from dispatch.services import Lease, pump

REVIVE = """
UPDATE dispatch_ticket SET state = 'waiting', attempts = 0, lost = 0, lost_at = NULL, reason = '',
    run_after = now(), finished_at = NULL
WHERE id = %s AND state = 'dead'
"""

STORM = """
SELECT EXISTS (
  SELECT 1 FROM dispatch_ticket mine JOIN dispatch_ticket other
    ON other.lost_at > mine.created_at AND other.ref <> mine.ref
  WHERE mine.id = %s)
"""


def is_stormy(lease: Lease) -> bool:
    """Whether holders of other tickets died too since this one was made.

    Then it is not this ticket's file that kills them.
    """
    with in_public(), connection.cursor() as cursor:
        cursor.execute(STORM, [lease.ticket_id])
        return bool(cursor.fetchone()[0])


def revive(ticket: str) -> bool:
    """Run a dead letter again, as if new; False when it is none."""
    with connection.cursor() as cursor:
        cursor.execute(REVIVE, [ticket])
        found = bool(cursor.rowcount == 1)
    transaction.on_commit(pump, robust=True)
    return found


def settle(*, task: str, ref: str) -> None:
    """Dead letters of work that is done anew, or no more needed, are dead no longer."""
    Ticket.objects.filter(state=State.DEAD, task=task, ref=ref).update(state=State.DONE)


def letters() -> QuerySet[Ticket]:
    """Dead letters of every tenant."""
    return Ticket.objects.filter(state=State.DEAD)


def running(tickets: list[str]) -> set[str]:
    """Of these tickets, the attempts that hold a lease now, as ``<ticket>-<fence>``."""
    rows = Ticket.objects.filter(pk__in=tickets, state=State.RUNNING)
    return {f"{ticket}-{fence}" for ticket, fence in rows.values_list("pk", "fence")}
