"""Confine this process, then become the program: ``python -m sandbox.launch ORDER ARGV…``."""

from __future__ import annotations

import json
import os
import sys
import tempfile

from sandbox.confine import Confinement, confine, runtime_paths
from sandbox.profiles import PROFILES


def main() -> None:
    """``--layers`` only tells which layers hold."""
    if sys.argv[1] == "--layers":
        probe = PROFILES["probe"]
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            box = Confinement(
                readable=runtime_paths(),
                writable=folder,
                cpu_s=5,
                memory_bytes=probe.memory_bytes,
                output_bytes=probe.output_bytes,
                processes=probe.processes,
                open_files=probe.open_files,
            )
            layers = confine(box, os.getppid())
            print(json.dumps(layers), flush=True)  # noqa: T201
            os._exit(0)
    order = json.loads(sys.argv[1])
    box = Confinement(
        readable=tuple(order["readable"]),
        writable=order["workdir"],
        user=order["user"],
        **order["limits"],
    )
    confine(box, os.getppid())
    os.chdir(order["workdir"])
    os.execvpe(sys.argv[2], sys.argv[2:], order["env"])  # noqa: S606


if __name__ == "__main__":
    main()
