"""The fork server's fallback: the same function in a fresh interpreter inside bubblewrap."""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from sandbox import runner
from sandbox.outcomes import Crashed, LimitHit, Raised, Returned, SandboxUnavailable
from sandbox.profiles import PROFILES, SandboxProfile

_MARK = "\x1eanswer "


def call(
    request: dict[str, Any],
    limits: SandboxProfile,
    workdir: Path | None,
    readable: tuple[Path, ...],
    deadline_s: float,
) -> Returned:
    """Like ForkServer.call, some tenths of a second slower and without progress."""
    if runner.level() == "none":
        raise SandboxUnavailable("no sandbox works on this machine")
    shape = PROFILES["cold_python"]
    binds = (*shape.binds, *(str(path) for path in readable))
    profile = dataclasses.replace(
        shape,
        binds=binds,
        output_bytes=limits.output_bytes,
        total_bytes=limits.total_bytes,
        cpu_s=limits.cpu_s,
        env=(("PYTHONPATH", ":".join(p for p in sys.path if p)),),
    )
    found: list[str] = []

    def keep(line: str) -> None:
        if line.startswith(_MARK):
            found.append(line[len(_MARK) :])

    with tempfile.TemporaryDirectory() as spare:
        ended = runner.run(
            [sys.executable, "-W", "ignore", "-m", "sandbox.cold"],
            profile=profile,
            workdir=workdir or Path(spare),
            deadline_s=deadline_s,
            on_stdout_line=keep,
            stdin=json.dumps(request).encode(),
            python=True,
        )
    if ended.killed:
        raise LimitHit(ended.killed)
    if not found or ended.returncode:
        raise Crashed(f"exit code {ended.returncode}: {ended.stderr_tail[-500:]}")
    answer = json.loads(found[-1])
    if "raised" in answer:
        raise Raised(**answer["raised"])
    return Returned(
        value=answer["value"],
        wall_s=ended.wall_s,
        cpu_s=ended.cpu_s,
        max_rss_bytes=ended.max_rss_bytes,
        layers=("cold",),
    )


def main() -> None:
    """Inside: read the request, run it, print the answer."""
    request = json.loads(sys.stdin.buffer.read())
    module, _, name = request["function"].partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
        answer = {"value": function(request["payload"], lambda fraction, stage: None)}
    except MemoryError:
        raise
    except Exception as error:
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        trace = traceback.format_exc()[-4000:]
        answer = {"raised": {"kind": kind, "text": str(error)[:2000], "trace": trace}}
    sys.stdout.write(f"{_MARK}{json.dumps(answer)}\n")


if __name__ == "__main__":
    main()
