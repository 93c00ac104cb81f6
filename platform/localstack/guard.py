"""The last one out: waits for its supervisor's end and then ends what that one left behind.

The kernel's death signal reaches a child, not the child's children (nginx's and Granian's workers,
Celery's pool): after a SIGKILL of the supervisor those would live on without this process.
Usage: python -m localstack.guard RECORD ROOT… with the supervisor's pipe as standard input.
"""

import signal
import sys
from pathlib import Path

from localstack.process import end_recorded


def main() -> None:
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    record, *roots = map(Path, sys.argv[1:])
    sys.stdin.buffer.read()
    end_recorded(record, roots)


if __name__ == "__main__":
    main()
