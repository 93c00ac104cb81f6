"""Jobs and their steps, what groups them, and their daily sums, in the tenant's schema."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now

from conversions.terms import GroupStatus, Status
from core.ids import new_id


def job_id() -> str:
    """A new job id."""
    return new_id("job")


def batch_id() -> str:
    """A new batch id."""
    return new_id("bat")


def pipeline_id() -> str:
    """A new id of a pipeline's run."""
    return new_id("pip")


def preset_id() -> str:
    """A new preset id."""
    return new_id("pre")


def link_id() -> str:
    """A new id of a link that works once."""
    return new_id("lnk")


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
    position = models.PositiveIntegerField(default=0)  # among the jobs of its batch or step
    api_key_id = models.CharField(max_length=40, null=True)  # noqa: DJ001
    user_id = models.CharField(max_length=40, null=True)  # noqa: DJ001
    metadata = models.JSONField(default=dict)
    webhook_url = models.CharField(max_length=2000, null=True)  # noqa: DJ001
    request_id = models.CharField(max_length=64, default="")

    retention_hours = models.PositiveIntegerField()
    delete_after_download = models.BooleanField(default=False)
    start_at = models.DateTimeField(null=True)  # not before; null: as soon as it is its turn
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["status", "-id"], name="conversions_job_status"),
            models.Index(fields=["output_format", "-id"], name="conversions_job_format"),
            models.Index(
                fields=["api_key_id", "-id"],
                name="conversions_job_key",
                condition=models.Q(api_key_id__isnull=False),
            ),
            models.Index(
                fields=["-id"], name="conversions_job_test", condition=models.Q(is_test=True)
            ),
            models.Index(
                # What is kept is summed from here, whatever has expired since.
                fields=["id"],
                include=["input_size", "extra_bytes", "output_bytes"],
                name="conversions_job_kept",
                condition=~models.Q(status="expired") & ~models.Q(input_key=""),
            ),
            GinIndex(
                models.Func(models.F("input_filename"), function="public.name_grams"),
                name="conversions_job_names",
                gin_pending_list_limit=256,  # kB: what is new is looked through by each search
            ),
            models.Index(
                fields=["batch_id", "position"],
                name="conversions_job_batch",
                condition=models.Q(batch_id__isnull=False),
            ),
            models.Index(
                fields=["pipeline_id", "id"],
                name="conversions_job_pipeline",
                condition=models.Q(pipeline_id__isnull=False),
            ),
            models.Index(
                fields=["expires_at"],
                name="conversions_job_expiry",
                condition=models.Q(status="completed"),
            ),
            models.Index(
                fields=["expires_at"],
                name="conversions_job_input_expiry",
                # Not `in`: a restored dump spells that otherwise.
                condition=(models.Q(status="failed") | models.Q(status="canceled"))
                & ~models.Q(input_key=""),
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
    def work_kind(self) -> str:
        """What takes about as long: a pair of formats, or a tool."""
        if self.kind != "convert":
            return self.kind
        return f"{self.input_format}>{self.output_format}"

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


class Group(models.Model):
    """What a batch and a pipeline's run have in common: who asked, how it stands, whom to tell."""

    name = models.CharField(max_length=200, default="")
    status = models.CharField(
        max_length=10, choices=GroupStatus.choices, default=GroupStatus.PENDING
    )
    is_test = models.BooleanField(default=False)
    api_key_id = models.CharField(max_length=40, null=True)  # noqa: DJ001 - null in the contract
    user_id = models.CharField(max_length=40, null=True)  # noqa: DJ001
    webhook_url = models.CharField(max_length=2000, null=True)  # noqa: DJ001
    metadata = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, default="")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    cancel_asked_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class Batch(Group):
    """Many files, one wish. The counters move in the transaction that ends each of its jobs."""

    id = models.CharField(max_length=40, primary_key=True, default=batch_id, editable=False)
    output_format = models.CharField(max_length=20)
    options = models.JSONField(default=dict)
    total = models.PositiveIntegerField()
    completed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    canceled = models.PositiveIntegerField(default=0)
    round = models.PositiveSmallIntegerField(default=1)  # grows with each retry; one event a round

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    total__gte=models.F("completed") + models.F("failed") + models.F("canceled")
                ),
                name="conversions_batch_counts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"


class Pipeline(Group):
    """One run of a graph of steps.

    ``steps``: name → {operation, input: [name], options, on_error, status, problems: [problem],
    files: [{key, filename, format, media_type, size, sha256}] of imports, number, …}.
    Whoever changes it holds the row's lock.
    """

    id = models.CharField(max_length=40, primary_key=True, default=pipeline_id, editable=False)
    steps = models.JSONField()
    retention_hours = models.PositiveIntegerField()
    tenant_slug = models.CharField(max_length=63)

    def __str__(self) -> str:
        return f"{self.id} {self.status}"


class Preset(models.Model):
    """A graph of steps under a name, without files and passwords."""

    id = models.CharField(max_length=40, primary_key=True, default=preset_id, editable=False)
    name = models.CharField(max_length=200, unique=True)
    description = models.CharField(max_length=1000, default="")
    steps = models.JSONField()
    user_id = models.CharField(max_length=40, null=True)  # noqa: DJ001 - null in the contract
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class OnceLink(models.Model):
    """A signed address that works once; gone with its job."""

    id = models.CharField(max_length=40, primary_key=True, default=link_id, editable=False)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="links")
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.id


class DaySum(models.Model):
    """Jobs of one kind that ended on one day (UTC): moved by each end, never by scanning."""

    day = models.DateField()
    input_format = models.CharField(max_length=20)
    output_format = models.CharField(max_length=20)
    engine = models.CharField(max_length=40)  # of the last step
    api_key_id = models.CharField(max_length=40, default="")  # empty: a person without a key
    is_test = models.BooleanField()
    completed = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    canceled = models.BigIntegerField(default=0)
    units = models.BigIntegerField(default=0)  # charged
    input_bytes = models.BigIntegerField(default=0)
    output_bytes = models.BigIntegerField(default=0)
    busy_seconds = models.FloatField(default=0)  # from start to end, of completed jobs

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "is_test", "input_format", "output_format", "engine", "api_key_id"],
                name="conversions_daysum_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.input_format}→{self.output_format}"
