"""What every answer tells a browser."""

from __future__ import annotations

import re

import pytest

from tests.client import Api

PAGES = ("/", "/docs/", "/redoc/", "/problems/not_found", "/nothing/", "/api/v1/nothing/")


@pytest.mark.parametrize("path", [*PAGES, "/swagger.json", "/health/"])
def test_every_answer_has_the_headers(visitor: Api, path: str) -> None:
    headers = visitor.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "object-src 'none'" in policy


@pytest.mark.parametrize("path", PAGES)
def test_no_page_needs_what_the_policy_forbids(visitor: Api, path: str) -> None:
    text = visitor.get(path).body.decode()

    assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert "<style" not in text
    assert not re.search(r"(src|href)=.https?://(?!localhost)", text)


def test_the_reference_page_has_a_new_nonce_each_time(visitor: Api) -> None:
    one, two = visitor.get("/redoc/"), visitor.get("/redoc/")

    found = [
        re.search(r"'nonce-([^']+)'", page.headers["Content-Security-Policy"])
        for page in (one, two)
    ]
    assert found[0]
    assert found[1]
    assert found[0][1] != found[1][1]
    assert f'nonce="{found[0][1]}"' in one.body.decode()
