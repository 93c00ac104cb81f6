"""A webhook receiver for demo and tests: one JSON line per request, answers as the path says.

`/status/<code>` answers that code, `/slow/<seconds>` waits first (at most 30 s), all else is 200.
Usage: python -m localstack.receiver PORT LOG
"""

import json
import sys
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from localstack.ports import HOST

MAX_BODY = 8 * 1024 * 1024
MAX_WAIT_S = 30.0


class Receiver(ThreadingHTTPServer):
    """Writes to `log`, one whole line at a time."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, log: Path) -> None:
        self.log = log
        self.lock = threading.Lock()
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
        super().__init__((HOST, port), _Handler)

    def write(self, line: dict[str, object]) -> None:
        text = json.dumps(line, ensure_ascii=False) + "\n"
        with self.lock, self.log.open("a", encoding="utf-8") as out:
            out.write(text)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"
    timeout = 60

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        if not 0 <= size <= MAX_BODY:
            self.close_connection = True
            self._reply(413)
            return
        body = self.rfile.read(size)
        self.server.write(
            {
                "at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
                "method": self.command,
                "path": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "body": body.decode("utf-8", errors="replace"),
            }
        )
        self._reply(_status_of(self.path))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - named by http.server

    def _reply(self, status: int) -> None:
        body = b"ok\n"
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the log file is the record."""


def _status_of(path: str) -> int:
    """The status that a path asks for, after the wait that it asks for."""
    word, _, value = path.partition("?")[0].strip("/").partition("/")
    try:
        if word == "status" and 200 <= int(value) <= 599:
            return int(value)
        if word == "slow":
            time.sleep(min(max(float(value), 0), MAX_WAIT_S))
    except ValueError:
        pass
    return 200


def main() -> None:
    Receiver(int(sys.argv[1]), Path(sys.argv[2])).serve_forever()


if __name__ == "__main__":
    main()
