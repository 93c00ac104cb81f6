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
    kind = models.CharField(max_length=60, default="")  # work of one kind takes about as long
    priority = models.SmallIntegerField(default=0)
    charged = models.FloatField(default=0)  # seconds that its lane was charged when it was sent
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
                # run_after: what is not due yet is passed over without a look at its row.
                fields=["queue", "lane", "-priority", "id", "run_after"],
                name="dispatch_in_line",
                condition=models.Q(state="waiting"),
            ),
            models.Index(
                fields=["queue", "lane"],
                name="dispatch_busy",
                condition=models.Q(state__in=["sent", "running"]),
            ),
            models.Index(
                fields=["finished_at"],
                name="dispatch_over",
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


class Share(models.Model):
    """What one lane had of one queue, in seconds of service for each unit of its weight."""

    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="shares")
    queue = models.CharField(max_length=20)
    served = models.FloatField(default=0)
    is_in_turn = models.BooleanField(default=False)  # it had work that could have been sent
    sent = models.BigIntegerField(default=0)  # tickets so far: how far its line has moved

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["queue", "lane"], name="dispatch_one_share"),
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.lane_id} {self.served:.1f}"


class Spent(models.Model):
    """The end of one run, until the next pump settles it. Only ever inserted and deleted."""

    lane = models.CharField(max_length=63)  # no foreign key: ends must not wait for the pump
    queue = models.CharField(max_length=20)
    kind = models.CharField(max_length=60)
    seconds = models.FloatField()
    charged = models.FloatField()
    is_whole = models.BooleanField()  # it came to its end, so that its seconds teach

    def __str__(self) -> str:
        return f"{self.queue} {self.kind} {self.seconds:.1f}"


class Pace(models.Model):
    """Seconds that work of one kind takes in one queue; kind "" is the whole queue."""

    queue = models.CharField(max_length=20)
    kind = models.CharField(max_length=60)
    seconds = models.FloatField()
    runs = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["queue", "kind"], name="dispatch_one_pace"),
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.kind} {self.seconds:.2f} s"


class Clock(models.Model):
    """One queue: how far the turn has come (seconds for a unit of weight), its last survey."""

    queue = models.CharField(max_length=20, primary_key=True)
    turn = models.FloatField(default=0)
    parallel = models.FloatField(default=1)  # tickets that run at once while some wait, in the mean
    # Of the last survey: seconds until what is sent already has started, lanes' weights in line.
    ahead_seconds = models.FloatField(default=0)
    weights = models.FloatField(default=0)
    surveyed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.queue} {self.turn:.1f}"


class Rung(models.Model):
    """Every so many tickets of a line, one is written down with its place: reads count from it."""

    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="rungs")
    queue = models.CharField(max_length=20)
    priority = models.SmallIntegerField()
    ticket = models.CharField(max_length=40)
    ahead = models.IntegerField()  # tickets of its line before it, then
    sent = models.BigIntegerField()  # the share's ``sent``, then
    start_seconds = models.FloatField()  # expected, from the survey on
    each_seconds = models.FloatField()  # more for each ticket behind it

    class Meta:
        indexes = [
            models.Index(fields=["lane", "queue", "-priority", "ticket"], name="dispatch_rung_of"),
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.lane_id} {self.ahead}"
