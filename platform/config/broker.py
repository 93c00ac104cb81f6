"""Celery's transport over Redis, that drops what is no message.

Stock kombu lets a body that is no JSON end the whole worker, again after each start for as long as
such bodies come; one without its properties costs the connection. Both are taken off the list by
the time they are read, and nothing of ours is lost with them: rows remember what is due.
"""

from __future__ import annotations

import logging
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis

log = logging.getLogger("filemill.queue")
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


class CarefulChannel(redis.Channel):
    """Reads on after a body that it can't read."""

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
