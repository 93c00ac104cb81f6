"""A key that is revoked while its calls are under way (row 22 of the fault table), over sockets."""

from __future__ import annotations

import io
import secrets
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from tests.e2e.conftest import V1, Caller, House

pytestmark = pytest.mark.e2e
CALLS = 12  # on connections of their own: every web process answers some


def large_picture() -> bytes:
    """Some megabytes that don't compress."""
    noise = Image.frombytes("RGB", (1200, 1000), secrets.token_bytes(3_600_000))
    kept = io.BytesIO()
    noise.save(kept, "png")
    return kept.getvalue()


@pytest.fixture
def owner(house: House) -> Caller:
    """The first tenant's owner."""
    login = house.demo["tenants"][0]["owner"]
    access = house.caller({}).post("auth/login/", login, 200)["access"]
    return house.caller({"Authorization": f"Bearer {access}"})


def new_key(owner: Caller) -> dict[str, Any]:
    made: dict[str, Any] = owner.post("auth/api-keys/generate/", {"name": "for a while"}, 201)
    return made


def revoke(owner: Caller, key: dict[str, Any]) -> None:
    assert owner.http.delete(f"{V1}/auth/api-keys/{key['id']}/").status_code == 204


def is_refused_everywhere(house: House, key: dict[str, Any]) -> bool:
    """At the next request, whichever process takes it."""
    headers = {"Authorization": f"Api-Key {key['key']}"}
    url = f"{house.demo['base_url']}{V1}/conversions/jobs/"
    answers = [httpx.get(url, headers=headers, trust_env=False) for _ in range(CALLS)]
    return {(one.status_code, one.json()["code"]) for one in answers} == {(401, "key_revoked")}


def request_of(house: House, key: dict[str, Any], content: bytes) -> bytes:
    """POST convert/ as it goes over the wire."""
    request = httpx.Request(
        "POST",
        f"{house.demo['base_url']}{V1}/conversions/convert/",
        headers={"Authorization": f"Api-Key {key['key']}", "Connection": "close"},
        files={"file": ("a.png", content)},
        data={"output_format": "webp"},
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    return f"POST {request.url.path} HTTP/1.1\r\n{head}\r\n".encode() + request.read()


def test_an_upload_under_way_is_refused_at_its_end(house: House, owner: Caller) -> None:
    key = new_key(owner)
    sent = request_of(house, key, large_picture())
    place = urlsplit(house.demo["base_url"])
    with socket.create_connection((place.hostname, place.port), timeout=60) as wire:
        wire.sendall(sent[: len(sent) // 2])
        revoke(owner, key)
        assert is_refused_everywhere(house, key)
        wire.sendall(sent[len(sent) // 2 :])
        answer = b""
        while piece := wire.recv(1 << 16):
            answer += piece
    assert answer.split(maxsplit=2)[1] == b"401", answer[:300]
    assert b'"code":"key_revoked"' in answer


def test_a_job_and_a_download_under_way_go_on(house: House, owner: Caller) -> None:
    key = new_key(owner)
    caller = house.by_key(key["key"])
    content = large_picture()
    done = caller.finished(caller.convert("a.png", content, "bmp"))
    running = caller.convert("b.png", content, "webp", quality="100")
    url = f"{V1}/conversions/jobs/{done['id']}/download/"
    with caller.http.stream("GET", url) as reply:
        pieces = reply.iter_bytes()
        taken = len(next(pieces))
        revoke(owner, key)
        assert is_refused_everywhere(house, key)
        taken += sum(map(len, pieces))

    assert taken == int(reply.headers["content-length"]) == done["outputs"][0]["size"]
    assert house.one.finished(running)["status"] == "completed"  # by another key of the tenant
