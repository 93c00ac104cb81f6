"""Celery's transport over Redis, that outlives what is no message and a Redis that goes away.

Stock kombu lets a body that is no JSON end the whole worker, again after each start for as long as
such bodies come; one without its properties costs the connection. A Redis that goes away may end a
worker too, over messages that it wants to give back. Nothing of ours is lost with any of them: rows
remember what is due.
"""

from __future__ import annotations

import logging
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.exceptions import RedisError

log = logging.getLogger("filemill.queue")
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


class CarefulQoS(redis.QoS):
    """Gives back what it can when a connection closes."""

    def restore_unacked(self, client: Any = None) -> Any:
        """As kombu does; without a connection the messages are rung for again by the sweep."""
        try:
            return super().restore_unacked(client)
        except (AttributeError, RedisError, OSError) as error:
            log.warning("messages were not given back: %s", repr(error)[:300])
            if self._delivered:
                self._delivered.clear()
            return []

    def ack(self, delivery_tag: str) -> None:
        """As kombu does; a task that outlived its connection has nobody to thank."""
        try:
            super().ack(delivery_tag)
        except AttributeError as error:
            log.warning("acknowledged too late: %s", repr(error)[:300])

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's
        """As ``ack``."""
        try:
            super().reject(delivery_tag, requeue)
        except AttributeError as error:
            log.warning("refused too late: %s", repr(error)[:300])


class CarefulChannel(redis.Channel):
    """Reads on after a body that it can't read."""

    QoS = CarefulQoS

    def _brpop_read(self, **options: Any) -> Any:
        """As kombu does; ``Empty`` means that nothing came."""
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # not in its stubs
        except UNREADABLE as error:
            log.warning("dropped what is no message: %s", repr(error)[:300])
            raise Empty from None


class CarefulTransport(redis.Transport):
    """Redis, with careful channels."""

    Channel = CarefulChannel


def install() -> None:
    """For every Redis address from here on."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = "config.broker:CarefulTransport"
