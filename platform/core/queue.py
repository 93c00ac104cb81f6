"""Celery by name: ids only, after commit. A lost message is no loss: rows remember what is due."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from celery import current_app
from celery.exceptions import OperationalError
from django.db import transaction
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from core.tenancy import HEADER, PUBLIC, current_schema

log = logging.getLogger("filemill.queue")
AFTER_BEAT = 6  # of Redis' steps 0, 3, 6, 9: the sweep never waits behind what it is to put right


def send(name: str, *args: str, queue: str, schema_name: str | None = None) -> bool:
    """Ring the doorbell now. False when the broker is away: the reconciler will ring again."""
    headers: dict[str, Any] = {HEADER: schema_name} if schema_name not in (None, PUBLIC) else {}
    try:
        current_app.send_task(
            name,
            args=args,
            queue=queue,
            headers=headers,
            priority=AFTER_BEAT,
            retry=False,
            ignore_result=True,
        )
    except (OperationalError, BrokerError, RedisError, ConnectionError, TimeoutError) as error:
        log.warning("broker away, %s not sent: %s", name, error)
        return False
    return True


def enqueue(name: str, *args: str, queue: str = "io") -> None:
    """Ring once the running transaction has committed, in the current schema."""
    transaction.on_commit(partial(send, name, *args, queue=queue, schema_name=current_schema()))
