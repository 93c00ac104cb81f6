"""Callers over HTTP: each with credentials, a host and an IP address of its own."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

V1 = "/api/v1"
PROBLEM = "application/problem+json"
MEMBERS = ("type", "title", "status", "code", "detail", "request_id", "retryable", "errors")


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    headers: httpx.Headers
    body: bytes
    asked: str = ""

    @property
    def json(self) -> Any:
        """The body as JSON; an empty object where there is none."""
        return httpx.Response(200, content=self.body).json() if self.body else {}

    @property
    def code(self) -> str:
        """The problem's code, else the status."""
        if self.headers.get("Content-Type", "").startswith(PROBLEM):
            return str(self.json["code"])
        return str(self.status)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    def __str__(self) -> str:
        return f"{self.asked} → {self.status} {self.text[:300]}"


class Wire:
    """The way to the product: one TLS context, and what every answer must have."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.tls = ssl.create_default_context()
        self.is_local = is_loopback(urlsplit(base_url).hostname or "")
        self.codes: dict[str, int] = {}  # problem codes that were seen, with their status
        self.faults: list[str] = []  # answers that break a rule of every answer
        self.counted = 0
        self.clients: list[httpx.Client] = []
        self.lock = threading.Lock()

    def client(self, address: str) -> httpx.Client:
        """A client that calls from an address, where the machine has it."""
        source = address if self.is_local and address.startswith("127.") else None
        transport = httpx.HTTPTransport(verify=self.tls, local_address=source)
        made = httpx.Client(base_url=self.base_url, transport=transport, timeout=90)
        with self.lock:
            self.clients.append(made)
        return made

    def close(self) -> None:
        """Leave no connection open."""
        for client in self.clients:
            client.close()

    def judge(self, reply: Reply, *, is_api: bool) -> None:
        """What API.md says of every answer, and of every error."""
        wrong = [name for name in ("X-Request-Id", "X-Content-Type-Options") if lacks(reply, name)]
        if is_api:
            wrong += [name for name in ("RateLimit", "RateLimit-Policy") if lacks(reply, name)]
            wrong += problem_faults(reply) if reply.status >= 400 else []
        if reply.status >= 500:
            wrong.append("a fault")
        with self.lock:
            self.counted += 1
            self.faults += [f"{fault}: {reply}" for fault in wrong]
            if reply.status >= 400 and is_api and not reply.code.isdigit():
                self.codes[reply.code] = reply.status


def lacks(reply: Reply, name: str) -> bool:
    """Whether a header is missing."""
    return name not in reply.headers


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, so that callers can choose among 127.0.0.0/8."""
    try:
        found = socket.getaddrinfo(host, None, family=socket.AF_INET)
    except OSError:
        return False
    return any(ipaddress.ip_address(item[4][0]).is_loopback for item in found)


def problem_faults(reply: Reply) -> list[str]:
    """How an answer of 400 and above departs from API.md's "Every error"."""
    if reply.status == 416 and not reply.body:
        return []
    if not reply.headers.get("Content-Type", "").startswith(PROBLEM):
        return ["no problem+json"]
    body = reply.json
    wrong = [f"no member {name}" for name in MEMBERS if name not in body]
    if wrong:
        return wrong
    rules = {
        "type": body["type"] == f"/problems/{body['code']}",
        "status": body["status"] == reply.status,
        # A replayed answer is the first one, which names its own request.
        "request_id": body["request_id"] == reply.headers.get("X-Request-Id")
        or "Idempotency-Replayed" in reply.headers,
        "retryable": isinstance(body["retryable"], bool),
        "words": bool(body["title"]) and bool(body["detail"]),
        "errors": all(set(item) == {"field", "code", "message"} for item in body["errors"]),
        "trace": "Traceback" not in reply.text,
    }
    return [f"wrong {name}" for name, holds in rules.items() if not holds]


@dataclass
class Caller:
    """Somebody: their headers go with every call. Cookies are kept as a browser does."""

    wire: Wire
    headers: dict[str, str]
    address: str
    host: str = ""
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = self.wire.client(self.address)

    def bearing(self, token: str, tenant: str = "") -> Caller:
        """The same place with a token, in a tenant."""
        return self.wearing(
            {"Authorization": f"Bearer {token}", **({"X-Tenant": tenant} if tenant else {})}
        )

    def with_key(self, key: str) -> Caller:
        """The same place with an API key."""
        return self.wearing({"Authorization": f"Api-Key {key}"})

    def wearing(self, headers: dict[str, str]) -> Caller:
        """The same place with other headers."""
        return Caller(self.wire, headers, self.address, self.host)

    def at(self, *, host: str = "", address: str = "") -> Caller:
        """The same credentials sent to another host, or from another address."""
        return Caller(self.wire, self.headers, address or self.address, host or self.host)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Reply:
        """One request; paths without a leading slash are below /api/v1/."""
        url = path if path.startswith(("/", "http")) else f"{V1}/{path}"
        sent = {**self.headers, **(headers or {})}
        if self.host:
            sent["Host"] = self.host
        if body is not None:
            more["json"] = body
        answer = self.http.request(method, url, headers=sent, **more)
        reply = Reply(answer.status_code, answer.headers, answer.content, f"{method} {url}")
        self.wire.judge(reply, is_api=url.startswith("/api/"))
        return reply

    def get(self, path: str, **headers: str) -> Reply:
        """GET."""
        return self.call("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, path: str, body: Any = None, **more: Any) -> Reply:
        """POST of JSON."""
        return self.call("POST", path, {} if body is None else body, **more)

    def patch(self, path: str, body: Any, **more: Any) -> Reply:
        """PATCH of JSON."""
        return self.call("PATCH", path, body, **more)

    def delete(self, path: str, body: Any = None, **more: Any) -> Reply:
        """DELETE, with JSON where a body is asked for."""
        return self.call("DELETE", path, body, **more)

    def send_file(
        self, path: str, name: str, content: bytes, fields: dict[str, str], **more: Any
    ) -> Reply:
        """POST of a form with one file."""
        return self.call("POST", path, files={"file": (name, content)}, data=fields, **more)

    def convert(self, name: str, content: bytes, to: str, **more: Any) -> Reply:
        """POST convert/."""
        return self.send_file("conversions/convert/", name, content, {"output_format": to}, **more)

    def upgrade(self, path: str, **headers: str) -> int:
        """The status of a WebSocket's handshake: 101 when it is open (it is left at once)."""
        sent = {
            **self.headers,
            **{k.replace("_", "-"): v for k, v in headers.items()},
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",  # RFC 6455's own
        }
        with self.http.stream("GET", path, headers=sent) as answer:
            return answer.status_code
