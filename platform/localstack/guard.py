"""The last one out: waits for its supervisor's end and then ends what that one left behind.

The kernel's death signal reaches a child, not the child's children (nginx's and Granian's workers,
Celery's pool): after a SIGKILL of the supervisor those would live on without this process.
Usage: python -m localstack.guard RECORD --root FOLDER… --vanish FILE…
with the supervisor's pipe as standard input.
"""

import argparse
import signal
import sys
from pathlib import Path

from localstack.process import end_recorded


def main() -> None:
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    parser = argparse.ArgumentParser()
    parser.add_argument("record", type=Path)
    parser.add_argument("--root", type=Path, action="append", default=[])
    parser.add_argument("--vanish", type=Path, action="append", default=[])
    chosen = parser.parse_args()
    sys.stdin.buffer.read()
    for file in chosen.vanish:
        file.unlink(missing_ok=True)
    end_recorded(chosen.record, chosen.root)


if __name__ == "__main__":
    main()
