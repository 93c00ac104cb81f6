"""What a worker child starts before its first job asks for it."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from conversions import verification
from conversions.engines import execute
from sandbox.outcomes import SandboxError

log = logging.getLogger("filemill.warming")


def warm(queues: Iterable[str]) -> None:
    """Engines of these queues, then what verification reads with. A failure only costs time."""
    try:
        for queue in queues:
            execute.warm(queue)
        verification.warm()
    except SandboxError as error:
        log.warning("not warmed: %s", error)
