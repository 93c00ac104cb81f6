"""The Celery application: a doorbell over rows. Redis may be emptied at any time."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")  # noqa: TID251 - an entry point

from core.env import env

BROKER = env().redis.broker_url or env().redis.url
VISIBILITY_S = 3600  # longer than any lease: rows, not Redis, decide who works

app = Celery("filemill", broker=BROKER)
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_default_queue="io",
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_max_tasks_per_child=500,
    broker_connection_retry_on_startup=True,
    broker_connection_timeout=2,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_S,
        "socket_connect_timeout": 2,
        "socket_timeout": 5,
        "retry_on_timeout": True,
    },
    beat_schedule={
        "reconcile": {"task": "dispatch.reconcile", "schedule": 3.0, "options": {"expires": 6}},
        "relay": {"task": "outbox.relay", "schedule": 2.0, "options": {"expires": 4}},
        "expire": {
            "task": "conversions.expire_everywhere",
            "schedule": 300.0,
            "options": {"expires": 300},
        },
        "ready": {"task": "tenants.keep_ready", "schedule": 10.0, "options": {"expires": 10}},
    },
)
app.autodiscover_tasks(
    ["core.outbox", "dispatch", "accounts", "tenants", "conversions", "webhooks"]
)


@worker_init.connect
def refuse_unsafe(**kwargs: object) -> None:
    """A worker whose sandbox or database leaks does not start."""
    from config.safety import check_at_start  # noqa: PLC0415 - Django is ready only now

    check_at_start()
