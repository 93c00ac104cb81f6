"""An address that answers as a test wants, and remembers what it got."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Hook:
    """What the address answers from now on, and each request's headers and body."""

    url: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    drips: bool = False
    drips_head_s: float = 0
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


class Server(ThreadingHTTPServer):
    """One hook."""

    daemon_threads = True
    allow_reuse_address = True
    hook: Hook


class Handler(BaseHTTPRequestHandler):
    """Answers by the hook."""

    server: Server

    def do_POST(self) -> None:
        """Remember, answer; a dripping answer never ends by itself."""
        hook = self.server.hook
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        hook.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(hook.status)
        for name, value in hook.headers.items():
            self.send_header(name, value)
        if not hook.drips:
            self.send_header("Content-Length", str(len(hook.body)))
        until = time.monotonic() + hook.drips_head_s
        while time.monotonic() < until and not hook.released.wait(0.05):
            self.flush_headers()
            self.send_header("X-Drip", "1")
        self.end_headers()
        try:
            while hook.drips and not hook.released.wait(0.05):
                self.wfile.write(b".")
            self.wfile.write(hook.body)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@contextmanager
def listening(port: int) -> Iterator[Hook]:
    """A hook on the port while the block runs."""
    server = Server(("127.0.0.1", port), Handler)
    server.hook = Hook(f"http://127.0.0.1:{port}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.hook
    finally:
        server.hook.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
