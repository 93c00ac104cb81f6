"""CPU seconds of one read, by calling the WSGI application in this process: no server, no socket.

`python -m loadtests.read_cost <module> <path> [<authorization>]` reads numbers from its input, one
a line; for each it sends that many GETs and prints the CPU seconds of this thread that one took.
What else the machine does costs other processes' time, so the figures hold on a busy one.
"""

from __future__ import annotations

import gc
import importlib
import io
import statistics
import subprocess  # noqa: TID251 - two settings can't live in one process
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

REQUESTS, ROUNDS = 40, 150


def environ(path: str, authorization: str) -> dict[str, Any]:
    """What a WSGI server hands over for a GET."""
    sent = {"HTTP_AUTHORIZATION": authorization} if authorization else {}
    return sent | {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_USER_AGENT": "wrk",
        "HTTP_ACCEPT": "*/*",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
    }


def ask(application: Any, path: str, authorization: str) -> None:
    """One request; raises unless it is a 200."""
    statuses: list[str] = []
    answer = application(environ(path, authorization), lambda status, _: statuses.append(status))
    body = b"".join(answer)
    answer.close()
    if not statuses[0].startswith("200"):
        raise RuntimeError(f"{path}: {statuses[0]} {body[:300]!r}")


def serve(lines: Iterable[str], module: str, path: str, authorization: str = "") -> None:
    """Answer each number with the CPU seconds of one request."""
    application = importlib.import_module(module).application
    for line in lines:
        gc.collect()
        started = time.thread_time()
        for _ in range(int(line)):
            ask(application, path, authorization)
        print((time.thread_time() - started) / int(line), flush=True)


def cpu_seconds(
    calls: Mapping[str, list[str]], env: dict[str, str], cwd: Path
) -> dict[str, list[float]]:
    """CPU seconds of a request, by name, a value for each round in which all were asked in turn."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    with ExitStack() as stack:
        running = {}
        for name, arguments in calls.items():
            argv = [sys.executable, "-m", "loadtests.read_cost", *arguments]
            child = subprocess.Popen(
                argv, env=env, cwd=cwd, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            running[name] = stack.enter_context(child)
        for number in range(ROUNDS + 1):
            for name, child in running.items():
                seconds = one_round(child)
                if number:  # the first warms up
                    found[name].append(seconds)
    return found


def ratio(ours: list[float], base: list[float]) -> float:
    """The median of the rounds' ratios: what the machine did in a round met both."""
    return statistics.median(one / other for one, other in zip(ours, base, strict=True))


def one_round(child: subprocess.Popen[str]) -> float:
    """The CPU seconds of a request; raises when the child has ended."""
    if child.stdin is None or child.stdout is None:
        raise RuntimeError("the child has no pipes")
    child.stdin.write(f"{REQUESTS}\n")
    child.stdin.flush()
    return float(child.stdout.readline())


if __name__ == "__main__":
    serve(sys.stdin, *sys.argv[1:])
