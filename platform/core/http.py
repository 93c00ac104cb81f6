"""The guarded outgoing client: the one way to call an address that a user gave us.

The address is judged after resolution, every answer of it, and the connection goes to the judged
IP (no second look-up, so no rebinding), again on each hop. No proxies, no user-info, http(s) only.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

from core.env import env
from core.errors import UrlForbidden

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


# RFC 6761, RFC 8375 and what clouds and offices use inside.
PRIVATE_NAMES = (
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home.arpa",
    "onion",
    "invalid",
    "corp",
    "private",
)


class HostUnknown(UrlForbidden):
    """This host name does not resolve."""


@dataclass(frozen=True)
class Target:
    """A host and port that were judged, and the addresses it may be reached at."""

    host: str
    port: int
    addresses: tuple[str, ...]


def embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address wrapped in a v6 one (mapped, compatible, 6to4, NAT64, Teredo)."""
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if any(address in network for network in NAT64) or int(address) >> 32 == 0:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def is_public(address: Address) -> bool:
    """Whether an address is one on the open internet."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = embedded(address)
        if inner is not None:
            return False  # a wrapped IPv4 is never needed, and often a way round
    return address.is_global and not address.is_multicast and not address.is_reserved


def split_url(url: str) -> tuple[str, str, int]:
    """Scheme, host and port; raises UrlForbidden for what no user needs."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme.lower() == "https" else 80)
    except ValueError as error:
        raise UrlForbidden("This is not a URL.") from error
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise UrlForbidden("Only http:// and https:// addresses are called.")
    if parts.username or parts.password:
        raise UrlForbidden("The address must not carry a user name or password.")
    if not url.isascii() or any(c.isspace() or c == "\\" for c in url):
        raise UrlForbidden("The address must be plain ASCII: use punycode and percent-encoding.")
    return parts.scheme.lower(), parts.hostname, port


def resolve(host: str, port: int) -> tuple[str, ...]:
    """Every address of a host."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HostUnknown(f"The host {host} can't be resolved.") from error
    return tuple(dict.fromkeys(str(item[4][0]) for item in found))


def judge(host: str, port: int, *, allow: Iterable[str] = ()) -> Target:
    """Resolve and refuse unless every address is public or ``host:port`` is allowed by name."""
    addresses = resolve(host, port)
    if f"{host}:{port}" in set(allow):
        return Target(host, port, addresses)
    for text in addresses:
        if not is_public(ipaddress.ip_address(text.split("%", 1)[0])):
            raise UrlForbidden(f"{host} is not an address on the public internet.")
    return Target(host, port, addresses)


def judge_url(url: str, *, webhook: bool = False) -> None:
    """Judge a URL when it is stored; the client judges again at each connection.

    A webhook's host that does not resolve today is let through here: it may tomorrow, and is judged
    when it is called. Names that are never on the open internet are refused at once.
    """
    _, host, port = split_url(url)
    if any(f".{host.lower().rstrip('.')}".endswith(f".{suffix}") for suffix in PRIVATE_NAMES):
        raise UrlForbidden(f"{host} is not a name on the public internet.")
    try:
        judge(host, port, allow=env().limits.webhook_allow_hosts if webhook else ())
    except HostUnknown:
        if not webhook or "." not in host:
            raise


class DeadlineStream(httpcore.NetworkStream):
    """A stream whose every wait ends at one moment: a peer that drips can't hold us longer."""

    def __init__(self, stream: httpcore.NetworkStream, ends_at: float) -> None:
        self.stream, self.ends_at = stream, ends_at

    def left(self, timeout: float | None, late: type[Exception]) -> float:
        """Seconds that this wait may take."""
        seconds = self.ends_at - time.monotonic()
        if seconds <= 0:
            raise late("the answer took longer than it may")
        return seconds if timeout is None else min(timeout, seconds)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read until the deadline."""
        return self.stream.read(max_bytes, self.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write until the deadline."""
        self.stream.write(buffer, self.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close."""
        self.stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """TLS on top, under the same deadline."""
        seconds = self.left(timeout, httpcore.ConnectTimeout)
        inner = self.stream.start_tls(ssl_context, server_hostname, seconds)
        return DeadlineStream(inner, self.ends_at)

    def get_extra_info(self, info: str) -> Any:
        """Facts of the stream below."""
        return self.stream.get_extra_info(info)


class JudgedBackend(httpcore.SyncBackend):
    """Connects to judged addresses only; all that follows ends within the deadline."""

    def __init__(self, allow: Iterable[str], deadline_s: float) -> None:
        super().__init__()
        self.allow, self.deadline_s = tuple(allow), deadline_s

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        """Judge, then connect to the first address of the judged ones that answers."""
        ends_at = time.monotonic() + self.deadline_s
        target = judge(host, port, allow=self.allow)
        last: Exception | None = None
        for address in target.addresses:
            try:
                stream = super().connect_tcp(
                    address,
                    port,
                    timeout=timeout,
                    local_address=local_address,
                    socket_options=socket_options,
                )
                return DeadlineStream(stream, ends_at)
            except httpcore.ConnectError as error:
                last = error
        raise last or httpcore.ConnectError("no address")


@lru_cache(maxsize=1)
def certificates() -> ssl.SSLContext:
    """Whom we trust, read once: it takes 30 ms, and was most of what a delivery cost."""
    return httpx.create_ssl_context()


def client(
    *, webhook: bool = False, timeout_s: float = 15.0, allow: Iterable[str] | None = None
) -> httpx.Client:
    """A client of its own pool; redirects are not followed; a call ends within ``timeout_s``.

    ``allow``: ``host:port`` names that may lie off the public internet.
    """
    if allow is None:
        allow = env().limits.webhook_allow_hosts if webhook else ()
    transport = httpx.HTTPTransport(verify=certificates(), retries=0)
    transport._pool = httpcore.ConnectionPool(  # noqa: SLF001 - httpx offers no other way in
        ssl_context=certificates(),
        network_backend=JudgedBackend(allow, timeout_s),
        max_connections=10,
        max_keepalive_connections=0,
    )
    return httpx.Client(
        transport=transport,
        timeout=timeout_s,
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": "Filemill/1"},
    )
