"""Addresses that are never called, whatever they are dressed as."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest

from core.http import is_public
from tests.factories.tenants import Tenant

FORBIDDEN = (
    "http://127.0.0.1:9/",
    "http://localhost:9/",
    "http://[::1]:9/",
    "http://169.254.169.254/latest/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://0.0.0.0:9/",
    "http://2130706433:9/",
    "http://0x7f.1:9/",
    "http://0177.0.0.1/",
    "http://127.1:9/",
    "http://100.64.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::ffff:127.0.0.1]:9/",
    "http://[::ffff:7f00:1]/",
    "http://[fe80::1]/",
    "http://[fd00::1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[::]/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:9/",
    "javascript:alert(1)",
    "//example.com/",
    "http://user:pw@example.com/",
    "http://①②⑦.0.0.1:9/",
    "http://metadata.google.internal/",
    "http://printer.local/",
    "http://LOCALHOST./",
    "http://app.localhost/",
    "http://example.com:99999/",
    "http://exa mple.com/",
    "http://127.0.0.1\\@example.com/",
    "http://",
    "not a url",
)
OPEN = (
    "https://example.com/hook",
    "http://example.com:8080/a?b=c",
    "https://hooks.partner-company.example/",
    "https://93.184.216.34/",
    "https://[2606:2800:220:1::1]/",
    "https://EXAMPLE.com./",
)


@pytest.fixture
def public_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names resolve to a public address; literals as they are."""
    real = socket.getaddrinfo

    def look_up(host: str, port: Any, *args: Any, **kwargs: Any) -> Any:
        named = "example" in host
        return real("93.184.216.34" if named else host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.parametrize("url", FORBIDDEN)
def test_a_private_target_is_refused_as_webhook(acme: Tenant, public_names: None, url: str) -> None:
    reply = acme.api.post("webhooks/endpoints/", {"url": url, "events": ["job.*"]})

    assert (reply.status, reply.code) == (422, "url_forbidden")


@pytest.mark.parametrize("url", FORBIDDEN)
def test_a_private_target_is_refused_as_source(acme: Tenant, public_names: None, url: str) -> None:
    body = {"file_url": url, "output_format": "pdf"}

    reply = acme.api.post("conversions/convert/", body)

    assert (reply.status, reply.code) == (422, "url_forbidden")


@pytest.mark.parametrize("url", OPEN)
def test_a_public_target_is_taken(acme: Tenant, public_names: None, url: str) -> None:
    reply = acme.api.post("webhooks/endpoints/", {"url": url, "events": ["job.*"]})

    assert reply.status == 201, reply.body
    assert acme.api.delete(f"webhooks/endpoints/{reply.json['id']}/").status == 204


def test_a_name_with_one_private_address_among_public_ones_is_refused(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def both(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("93.184.216.34", "10.0.0.7")
        ]

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", both)
        reply = acme.api.post("webhooks/endpoints/", {"url": "https://two.example/"})

    assert reply.code == "url_forbidden"


def test_changing_an_endpoint_judges_again(acme: Tenant, public_names: None) -> None:
    made = acme.api.post("webhooks/endpoints/", {"url": "https://example.com/"}).json

    changed = acme.api.call(
        "PATCH", f"webhooks/endpoints/{made['id']}/", {"url": "http://10.0.0.1/"}
    )

    assert changed.code == "url_forbidden"
    assert acme.api.get(f"webhooks/endpoints/{made['id']}/").json["url"] == "https://example.com/"


WRAPPED = ("::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "::8.8.8.8")


@pytest.mark.parametrize("address", WRAPPED)
def test_an_ipv4_address_in_ipv6_dress_is_never_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_open_addresses_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
