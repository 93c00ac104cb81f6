"""Words of the webhooks: event types, retry times."""

EVENT_TYPES = (
    "job.created",
    "job.started",
    "job.completed",
    "job.failed",
    "job.canceled",
    "job.expired",
    "batch.completed",
    "pipeline.completed",
    "pipeline.failed",
    "asset.ready",
    "asset.failed",
    "asset.deleted",
    "quota.warning",
    "quota.exceeded",
    "subscription.updated",
    "invoice.paid",
    "invoice.payment_failed",
    "member.joined",
    "member.removed",
    "key.created",
    "key.revoked",
    "endpoint.disabled",
)
# What a job's, batch's or pipeline's own webhook_url gets: its end, however it ended.
JOB_URL_TYPES = frozenset(
    {"job.completed", "job.failed", "job.canceled"}
    | {"batch.completed", "pipeline.completed", "pipeline.failed"}
)

# After about 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, 3 h, 6 h, 12 h, 24 h (API.md), jittered.
RETRY_S = (5, 30, 120, 600, 1800, 3600, 10_800, 21_600, 43_200, 86_400)
TIMEOUT_S = 15
KEPT_BODY = 4096  # bytes of an answer that an attempt keeps
ATTEMPT = "webhooks.attempt"  # Celery task; the ticket's ref is the delivery id
EVERYTHING = "*"
