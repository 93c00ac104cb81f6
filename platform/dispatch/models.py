"""Tickets (work that is due), lanes (one per tenant: weight and slots), leases on a ticket."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from core.ids import new_id


def ticket_id() -> str:
    """A new ticket id."""
    return new_id("tkt")


class State(models.TextChoices):
    """Of a ticket. ``sent`` means that a doorbell was rung, not that anyone heard it.

    ``dead``: given up by a fault of ours; staff may run it again.
    """

    WAITING = "waiting"
    SENT = "sent"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"


class Lane(models.Model):
    """A tenant's queue: its share (weight) and how many of its jobs run at once (slots)."""

    schema_name = models.CharField(max_length=63, primary_key=True)
    weight = models.PositiveSmallIntegerField(default=1)
    slots = models.PositiveSmallIntegerField(default=2)
    is_paused = models.BooleanField(default=False)  # nothing of it is sent or claimed

    def __str__(self) -> str:
        return self.schema_name


class Ticket(models.Model):
    """One piece of work, named by Celery task and the id of the row it works on."""

    id = models.CharField(max_length=40, primary_key=True, default=ticket_id)
    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="tickets")
    task = models.CharField(max_length=80)
    ref = models.CharField(max_length=60)
    queue = models.CharField(max_length=20)
    priority = models.SmallIntegerField(default=0)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    run_after = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(default=0)
    fence = models.BigIntegerField(default=0)  # grows with each claim; a late holder's is too low
    lease_until = models.DateTimeField(null=True)
    owner = models.CharField(max_length=120, default="")
    sent_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    lost = models.PositiveSmallIntegerField(db_default=0)  # times that its holder died
    lost_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, db_default="")  # why it is dead, for staff

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task", "ref"],
                name="dispatch_one_open_ticket",
                condition=models.Q(state__in=["waiting", "sent", "running"]),
            ),
        ]
        indexes = [
            models.Index(
                fields=["lane", "queue", "-priority", "id"],
                name="dispatch_waiting",
                condition=models.Q(state="waiting"),
            ),
            models.Index(
                fields=["queue", "lane"],
                name="dispatch_busy",
                condition=models.Q(state__in=["sent", "running"]),
            ),
            models.Index(
                fields=["queue", "finished_at"],
                name="dispatch_done",
                condition=models.Q(state="done"),
            ),
            models.Index(fields=["id"], name="dispatch_dead", condition=models.Q(state="dead")),
            models.Index(
                fields=["lost_at"],
                name="dispatch_lost",
                condition=models.Q(lost_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task} {self.ref} {self.state}"
