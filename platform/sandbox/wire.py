"""What owner, fork server and child say to each other: JSON with a length, over socket pairs."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

MAX_MESSAGE = 64 << 20


class WireBroken(Exception):
    """The other side is gone, or sent what is no message."""


def send(channel: socket.socket, message: Any) -> None:
    """Write one message."""
    body = json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass")
    channel.sendall(struct.pack("!I", len(body)) + body)


def _exactly(channel: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        piece = channel.recv(min(size - len(parts), 1 << 20))
        if not piece:
            raise WireBroken
        parts += piece
    return bytes(parts)


def receive(channel: socket.socket) -> Any:
    """Read one message; WireBroken at the end of the stream."""
    try:
        (size,) = struct.unpack("!I", _exactly(channel, 4))
        if size > MAX_MESSAGE:
            raise WireBroken
        return json.loads(_exactly(channel, size).decode("utf-8", "surrogatepass"))
    except (ConnectionError, ValueError) as error:
        raise WireBroken from error
