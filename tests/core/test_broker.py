"""The transport over Redis, where stock kombu would end the worker."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator

import pytest
from kombu import Connection, Producer, Queue
from kombu.message import Message

from config.celery import BROKER


@pytest.fixture
def queue() -> Iterator[Queue]:
    """A queue of this test's own, with one message."""
    with Connection(BROKER) as connection:
        made = Queue(f"test-{secrets.token_hex(8)}")(connection.default_channel)
        made.declare()
        Producer(connection.default_channel).publish({"id": 1}, routing_key=made.name)
        yield made
        made.delete()


def taken_on_a_lost_connection(queue: Queue) -> Message:
    """The message, whose channel is closed while its task runs."""
    with Connection(BROKER) as connection:
        taken = queue(connection.default_channel).get()
    assert taken
    assert taken.channel
    taken.channel._disconnect_pools()  # as it is where Redis is away while the channel closes
    return taken


@pytest.mark.parametrize("thanks", ["ack_log_error", "reject_log_error"])
def test_a_task_may_outlive_its_connection(queue: Queue, thanks: str) -> None:
    message = taken_on_a_lost_connection(queue)

    getattr(message, thanks)(logging.getLogger(), (OSError,))

    again = queue.get()
    assert again
    assert again.payload == {"id": 1}
    again.ack()
