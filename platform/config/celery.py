"""The Celery application: a doorbell over rows. Redis may be emptied at any time."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from celery import Celery, Task
from celery.signals import (
    celeryd_after_setup,
    task_postrun,
    task_prerun,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")  # noqa: TID251 - an entry point

from config import broker
from core.env import env

broker.install()
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
        "forget-done": {
            "task": "dispatch.forget_done",
            "schedule": 30.0,
            "options": {"expires": 30},
        },
        "relay": {"task": "outbox.relay", "schedule": 2.0, "options": {"expires": 4}},
        "expire": {
            "task": "conversions.expire_everywhere",
            "schedule": 300.0,
            "options": {"expires": 300},
        },
        "usage": {"task": "tenants.write_usage", "schedule": 5.0, "options": {"expires": 10}},
        "purge": {"task": "tenants.purge_deleted", "schedule": 60.0, "options": {"expires": 60}},
        "forget": {
            "task": "tenants.forget_old_usage",
            "schedule": 3600.0,
            "options": {"expires": 3600},
        },
        "orphans": {
            "task": "conversions.find_orphans_everywhere",
            "schedule": 6 * 3600.0,
            "options": {"expires": 3600},
        },
        "learn": {"task": "conversions.learn", "schedule": 60.0, "options": {"expires": 60}},
        "collect": {"task": "audit.collect", "schedule": 60.0, "options": {"expires": 60}},
        "tidy": {"task": "accounts.tidy", "schedule": 3600.0, "options": {"expires": 3600}},
        "ready": {"task": "tenants.keep_ready", "schedule": 10.0, "options": {"expires": 10}},
    },
)
# Celery closes sessions and their pool around each task: two new ones for each, and their catalogs.
app.conf["CELERY_DB_REUSE_MAX"] = sys.maxsize
app.autodiscover_tasks(
    ["core.outbox", "audit", "dispatch", "accounts", "tenants", "conversions", "webhooks", "staff"]
)


@task_prerun.connect
@task_postrun.connect
def give_back(task: Task, **kwargs: object) -> None:  # type: ignore[type-arg]
    """The session goes back into the process's pool; a broken one is thrown away."""
    from django.db import close_old_connections  # noqa: PLC0415 - Django is ready only now

    if not task.request.is_eager:
        close_old_connections()


consumed: set[str] = set()  # queues of this worker, known after its set-up


@celeryd_after_setup.connect
def remember_queues(sender: str, instance: Any, **kwargs: object) -> None:
    """What the children will work on."""
    consumed.update(instance.app.amqp.queues.consume_from)


@worker_process_init.connect
def warm_up(**kwargs: object) -> None:
    """Start warm parents beside the first job; the first call waits for what it needs, no more."""
    from django.db import connections  # noqa: PLC0415 - Django is ready only now

    from config.warming import warm  # noqa: PLC0415

    # Nobody repeats a task at once, as a client does a request: a dead session is found before it.
    connections.settings["default"]["CONN_HEALTH_CHECKS"] = True
    threading.Thread(target=warm, args=(tuple(consumed),), daemon=True).start()


@worker_process_shutdown.connect
def cool_down(**kwargs: object) -> None:
    """End the warm hosts with their owner."""
    from sandbox import hosts  # noqa: PLC0415 - children only

    hosts.close_all()


@worker_init.connect
def refuse_unsafe(**kwargs: object) -> None:
    """A worker whose sandbox or database leaks does not start; what dead ones left is removed."""
    from config.safety import check_at_start, remove_leftovers  # noqa: PLC0415 - Django is ready

    check_at_start()
    remove_leftovers()
