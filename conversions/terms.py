"""Words of the conversions: states, limits of test keys, job error titles."""

from __future__ import annotations

from django.db.models import TextChoices

RUN_JOB = "conversions.run_job"  # Celery task; the ticket's ref is the job id
ADVANCE = "conversions.advance_pipeline"  # ref: the run's id, and what woke it
CANCEL_BATCH = "conversions.cancel_batch"  # ref: the batch
BATCH_FILES = 1000  # of one batch
STEP_JOBS = 1000  # of one step of a pipeline
MAX_ATTEMPTS = 3  # of one job; a file that kills its worker each time must end
STORM_ATTEMPTS = 10  # while other jobs' workers die too: then the file is not to blame
RETRY_DELAYS_S = (1.0, 4.0)  # before the second and third attempt; further ones as the last
START_AT_DAYS = 30  # that a job may be put off

TEST_FILE_BYTES = 10_000_000
TEST_JOB_S = 60
TEST_JOBS_A_DAY = 500


class Status(TextChoices):
    """Of a job; never backwards, except retry."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class GroupStatus(TextChoices):
    """Of a batch and of a pipeline's run: they end when the last of their jobs has ended."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"


GROUP_ENDED = frozenset({GroupStatus.COMPLETED, GroupStatus.FAILED, GroupStatus.CANCELED})
ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELED, Status.EXPIRED})

# Code → title and status of the problem inside ``job.error``.
JOB_ERRORS: dict[str, tuple[str, int]] = {
    "engine_failed": ("The engine could not convert this file", 422),
    "engine_crashed": ("The engine crashed on this file", 500),
    "timed_out": ("The conversion took longer than allowed", 422),
    "memory_exceeded": ("The conversion needed more memory than allowed", 422),
    "output_too_large": ("The result is larger than allowed", 422),
    "output_invalid": ("The result did not pass verification", 500),
    "file_corrupt": ("The file is damaged", 422),
    "file_malicious": ("The file is built to do harm", 422),
    "archive_bomb": ("The archive unpacks to more than allowed", 422),
    "limit_exceeded": ("The file is over a limit", 422),
    "file_encrypted": ("The file is locked", 422),
    "password_wrong": ("The password does not open the file", 422),
    "download_failed": ("The file could not be downloaded", 422),
    "canceled": ("The job was canceled", 422),
    "internal_error": ("Something went wrong on our side", 500),
}
RETRYABLE = frozenset({"engine_crashed", "internal_error", "download_failed"})
