"""A small supervised stack for tests: a child with a child of its own that ignores SIGTERM.

Usage: python sample_stack.py DATA; writes DATA/up when everything runs.
"""

import sys
from pathlib import Path

from localstack.supervisor import ProcessSpec, Supervisor

FAMILY = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    time.sleep(600)
open("family", "w").write(str(os.getpid()))
time.sleep(600)
"""


def main() -> None:
    data = Path(sys.argv[1])
    family = data / "family"
    spec = ProcessSpec(
        name="family",
        argv=[sys.executable, "-c", FAMILY],
        env={"PATH": "/usr/bin:/bin"},
        cwd=data,
        ready=family.exists,
        grace_s=0.5,
    )
    up = data / "up"
    with Supervisor(
        run_dir=data / "run", log_dir=data / "log", roots=[data], vanish=[up]
    ) as supervisor:
        supervisor.start([spec])
        up.write_text("up")
        supervisor.wait()


if __name__ == "__main__":
    main()
