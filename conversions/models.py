"""Jobs and their steps, in the tenant's schema."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from conversions.terms import Status
from core.ids import new_id


def job_id() -> str:
    """A new job id."""
    return new_id("job")


class Job(models.Model):
    """One customer request: one input, one wanted format, its results and its report."""

    id = models.CharField(max_length=40, primary_key=True, default=job_id, editable=False)
    kind = models.CharField(max_length=40, default="convert")  # or tool/<slug>
    name = models.CharField(max_length=200, default="")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    progress = models.PositiveSmallIntegerField(default=0)  # percent
    stage = models.CharField(max_length=80, default="queued")

    input_filename = models.CharField(max_length=1000)
    input_format = models.CharField(max_length=20)
    input_media_type = models.CharField(max_length=120)
    input_size = models.BigIntegerField()
    input_sha256 = models.CharField(max_length=64)
    input_key = models.CharField(max_length=500)
    # Of tools that take several files: [{key, filename, format, media_type, size, sha256}].
    inputs = models.JSONField(default=list)
    extra_bytes = models.BigIntegerField(default=0)  # of the inputs after the first

    output_format = models.CharField(max_length=20)
    outputs = models.JSONField(default=list)  # [{key, filename, media_type, size, sha256}]
    output_bytes = models.BigIntegerField(default=0)
    options = models.JSONField(default=dict)
    password_sealed = models.TextField(default="")  # forgotten when the job ends
    route = models.JSONField(default=list)  # [{engine, version, from, to}]
    warnings = models.JSONField(default=list)  # found at intake
    report = models.JSONField(null=True)
    error = models.JSONField(null=True)

    units = models.PositiveIntegerField(default=1)
    is_test = models.BooleanField(default=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    round = models.PositiveSmallIntegerField(default=1)  # grows with each retry by the customer
    batch_id = models.CharField(max_length=40, null=True)  # noqa: DJ001 - null in the contract
    pipeline_id = models.CharField(max_length=40, null=True)  # noqa: DJ001
    step = models.CharField(max_length=60, null=True)  # noqa: DJ001
    api_key_id = models.CharField(max_length=40, null=True)  # noqa: DJ001
    user_id = models.CharField(max_length=40, null=True)  # noqa: DJ001
    metadata = models.JSONField(default=dict)
    webhook_url = models.CharField(max_length=2000, null=True)  # noqa: DJ001
    request_id = models.CharField(max_length=64, default="")

    retention_hours = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["status", "-id"], name="conversions_job_status"),
            models.Index(
                fields=["expires_at"],
                name="conversions_job_expiry",
                condition=models.Q(status="completed"),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(progress__lte=100), name="conversions_job_progress"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"

    @property
    def reservation_ref(self) -> str:
        """The name of the charge: one for each round."""
        return f"{self.id}:{self.round}"


class Step(models.Model):
    """One engine's part of a job."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    part = models.PositiveSmallIntegerField(null=True)  # which input it prepares; null: all
    engine = models.CharField(max_length=40)
    version = models.CharField(max_length=60)
    input_format = models.CharField(max_length=20)
    output_format = models.CharField(max_length=20)
    options = models.JSONField(default=dict)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["job", "position"], name="conversions_step_once"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} {self.position} {self.engine}"
