"""Plans, subscriptions, meters and reservations. Balances move by one SQL statement."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from core.ids import new_id


def reservation_id() -> str:
    """A new reservation id."""
    return new_id("rsv")


class Plan(models.Model):
    """What a plan costs and allows. None: unlimited or custom."""

    code = models.CharField(max_length=30, primary_key=True)
    name = models.CharField(max_length=60)
    month_cents = models.PositiveIntegerField(null=True)
    year_cents = models.PositiveIntegerField(null=True)
    currency = models.CharField(max_length=3, default="usd")
    conversions = models.PositiveIntegerField(null=True)
    storage_bytes = models.BigIntegerField(null=True)
    requests_per_hour = models.PositiveIntegerField(null=True)
    file_bytes = models.BigIntegerField(null=True)
    concurrency = models.PositiveSmallIntegerField()
    retention_hours = models.PositiveIntegerField()
    weight = models.PositiveSmallIntegerField(default=1)
    features = ArrayField(models.CharField(max_length=40))
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return self.code


class Subscription(models.Model):
    """Which plan a tenant has, and what was agreed apart from it."""

    tenant = models.OneToOneField(
        "tenants.Tenant", on_delete=models.CASCADE, primary_key=True, related_name="subscription"
    )
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT)
    conversions_override = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.tenant_id} on {self.plan_id}"

    @property
    def conversions_limit(self) -> int | None:
        """Conversions a month; None: unlimited."""
        if self.conversions_override is not None:
            return self.conversions_override
        return self.plan.conversions


class Meter(models.Model):
    """What a tenant used of one thing in one period."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="meters")
    name = models.CharField(max_length=30)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    used = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name", "period_start"], name="billing_one_meter"
            ),
            models.CheckConstraint(
                condition=models.Q(used__gte=0, reserved__gte=0), name="billing_meter_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.name} {self.used}+{self.reserved}"


class Reservation(models.Model):
    """Units held for a job; ends once, as committed or released."""

    id = models.CharField(max_length=40, primary_key=True, default=reservation_id)
    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="reservations")
    ref = models.CharField(max_length=60, unique=True)  # the job, with its try: charged once
    units = models.PositiveIntegerField()
    state = models.CharField(max_length=10, default="held")  # held → committed | released
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.ref} {self.state}"
