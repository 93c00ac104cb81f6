"""The API as a caller sees it, through Django's test client: middleware, routes, real rows."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGP8z8Dwn4GBgYGJAQoAHxcCAk+Uzr4AAAAA"
    "SUVORK5CYII="
)
V1 = "/api/v1"


def somewhere() -> str:
    """An address that nobody else in the tests has."""
    return f"2001:db8::{secrets.token_hex(2)}:{secrets.token_hex(2)}"


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The problem's code, with proof that the answer is a problem; else the status."""
        if self.headers.get("Content-Type") != "application/problem+json":
            return str(self.status)
        return str(self.json["code"])


@dataclass(frozen=True)
class Api:
    """A caller: key, token or nobody. ``host`` is what the request is sent to."""

    authorization: str = ""
    tenant: str = ""
    host: str = "localhost"
    more: dict[str, str] = field(default_factory=dict)
    address: str = "127.0.0.1"  # that the caller comes from

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Reply:
        """One request; paths without a leading slash are below /api/v1/."""
        from django.test import Client

        sent = {"Authorization": self.authorization, "X-Tenant": self.tenant}
        sent = {k: v for k, v in {**sent, **self.more, **(headers or {})}.items() if v}
        data = json.dumps(body) if isinstance(body, dict | list) else (body or "")
        answer = Client(raise_request_exception=False).generic(
            method,
            path if path.startswith("/") else f"{V1}/{path}",
            data,
            content_type=content_type,
            headers=sent,
            SERVER_NAME=self.host,
            REMOTE_ADDR=self.address,
        )
        text = b"".join(answer) if answer.streaming else answer.content
        return Reply(answer.status_code, answer.headers, text)

    def get(self, path: str, **headers: str) -> Reply:
        """GET; header names with underscores."""
        return self.call("GET", path, headers=dashed(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> Reply:
        """POST of JSON."""
        return self.call("POST", path, {} if body is None else body, headers=dashed(headers))

    def patch(self, path: str, body: Any) -> Reply:
        """PATCH of JSON."""
        return self.call("PATCH", path, body)

    def delete(self, path: str, body: Any = None) -> Reply:
        """DELETE, with JSON where a body is asked for."""
        return self.call("DELETE", path, body)

    def upload(
        self,
        path: str,
        files: Mapping[str, tuple[str, bytes]] | Sequence[tuple[str, tuple[str, bytes]]],
        fields: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """multipart/form-data, written by hand so that no client tidies the names."""
        parts = [
            f'--fm\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        for name, (filename, content) in files.items() if isinstance(files, Mapping) else files:
            head = f'--fm\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"'
            parts.append(f"{head}\r\n\r\n".encode() + content + b"\r\n")
        body = b"".join(parts) + b"--fm--\r\n"
        return self.call(
            "POST", path, body, headers=headers, content_type="multipart/form-data; boundary=fm"
        )

    def convert(
        self,
        filename: str = "picture.png",
        content: bytes = PNG,
        to: str = "webp",
        headers: Mapping[str, str] | None = None,
        **fields: str,
    ) -> Reply:
        """POST conversions/convert/ with one file."""
        return self.upload(
            "conversions/convert/",
            {"file": (filename, content)},
            {"output_format": to, **fields},
            headers,
        )

    def quota(self) -> tuple[int, int]:
        """Conversions used and reserved."""
        figures = self.get("conversions/quota/").json["conversions"]
        return figures["used"], figures["reserved"]


def dashed(headers: Mapping[str, str]) -> dict[str, str]:
    """``If_None_Match`` → ``If-None-Match``."""
    return {name.replace("_", "-"): value for name, value in headers.items()}
