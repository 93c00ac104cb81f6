"""How many answers a second: wrk where it is installed, else a client of our own."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess  # noqa: TID251 - wrk is the measuring instrument
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit

SECONDS = 4
UNANSWERED_S = 10
CONNECTIONS = 16


def requests_per_second(url: str, headers: dict[str, str] | None = None) -> float:
    """Answers a second to GETs on kept-alive connections; raises when one is not a 200."""
    if shutil.which("wrk"):
        return with_wrk(url, headers or {})
    return with_sockets(url, headers or {})


def instrument() -> str:
    """What measures."""
    return "wrk" if shutil.which("wrk") else "own client (slower than wrk: ratios look better)"


def with_wrk(url: str, headers: dict[str, str]) -> float:
    """By wrk, one thread, so that the server has the other core."""
    argv = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}"]
    for name, value in headers.items():
        argv += ["-H", f"{name}: {value}"]
    done = subprocess.run(
        [*argv, url], capture_output=True, text=True, check=True, timeout=SECONDS + 30
    )
    if "Non-2xx" in done.stdout:
        raise RuntimeError(f"{url}: {done.stdout}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])  # type: ignore[index]


def with_sockets(url: str, headers: dict[str, str]) -> float:
    """By threads on plain sockets. Tells of requests that were never answered (ADR 0035)."""
    parts = urlsplit(url)
    lines = [f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    counts: list[int] = []
    stop = time.monotonic() + SECONDS
    threads = [
        threading.Thread(target=ask, args=(parts.hostname, parts.port, request, stop, counts))
        for _ in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if lost := CONNECTIONS - len(counts):
        print(f"  {url}: {lost} requests beside {sum(counts)} were never answered", flush=True)
    return sum(counts) / SECONDS


def ask(host: str, port: int, request: bytes, stop: float, counts: list[int]) -> None:
    """One connection, one request after the other; what it counted, if all were answered."""
    answered = 0
    address = host, port
    with suppress(TimeoutError), socket.create_connection(address, UNANSWERED_S) as link:
        stream = link.makefile("rb")
        while time.monotonic() < stop:
            link.sendall(request)
            length = 0
            while (line := stream.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            stream.read(length)
            answered += 1
        counts.append(answered)
