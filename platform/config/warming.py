"""What a worker child starts before its first job asks for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection

from conversions import verification
from conversions.engines import execute
from sandbox.outcomes import SandboxError

log = logging.getLogger("filemill.warming")
# Workers that start together would all be slow: those of short work, with the longest lines, come
# first. Who has a job before its turn starts what that job needs.
LATER_S = {"office": 8.0, "media": 12.0}


def warm(queues: Collection[str]) -> None:
    """Engines of these queues, then what verification reads with. A failure only costs time."""
    time.sleep(min((LATER_S.get(queue, 0.0) for queue in queues), default=0.0))
    try:
        for queue in queues:
            execute.warm(queue)
        verification.warm()
    except SandboxError as error:
        log.warning("not warmed: %s", error)
