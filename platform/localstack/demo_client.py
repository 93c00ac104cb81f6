"""A very small HTTP client: the demo speaks to the product as a stranger would."""

import json
import mimetypes
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Client:
    """Calls `base_url` with fixed headers; a connection error is status 0."""

    base_url: str
    headers: Mapping[str, str]

    def get(self, path: str) -> Reply:
        return self._call("GET", path, None, {})

    def post(self, path: str, body: Mapping[str, object]) -> Reply:
        content = {"Content-Type": "application/json"}
        return self._call("POST", path, json.dumps(dict(body)).encode(), content)

    def upload(self, path: str, file: Path, fields: Mapping[str, str]) -> Reply:
        """multipart/form-data with the file as `file`."""
        boundary = uuid.uuid4().hex
        parts = [
            _part(boundary, f'name="{name}"', None, value.encode())
            for name, value in fields.items()
        ]
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        disposition = f'name="file"; filename="{file.name}"'
        parts.append(_part(boundary, disposition, kind, file.read_bytes()))
        body = b"".join(parts) + f"--{boundary}--\r\n".encode()
        content = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self._call("POST", path, body, content)

    def _call(self, method: str, path: str, body: bytes | None, more: Mapping[str, str]) -> Reply:
        request = urllib.request.Request(  # noqa: S310 - our own address
            self.base_url + path, data=body, headers={**self.headers, **more}, method=method
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=TIMEOUT_S) as reply:
                return Reply(reply.status, reply.read())
        except urllib.error.HTTPError as error:
            return Reply(error.code, error.read())
        except OSError as error:
            return Reply(0, str(error).encode())


def _part(boundary: str, disposition: str, kind: str | None, content: bytes) -> bytes:
    head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n"
    if kind:
        head += f"Content-Type: {kind}\r\n"
    return head.encode() + b"\r\n" + content + b"\r\n"
