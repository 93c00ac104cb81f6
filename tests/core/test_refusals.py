"""What is refused first, what it names, and that every code of the contract has its page."""

from __future__ import annotations

import re
from typing import Any

import pytest

from core.errors import every_error
from loadtests.access.problems import TABLE
from tests.client import Api
from tests.factories.tenants import Tenant, make_member

CODES = [(status, code) for status, codes in TABLE.items() for code in codes]
BEGUN_ELSEWHERE = {"queue_full"}


def test_who_may_not_is_told_so_before_the_body_is_read(acme: Tenant) -> None:
    viewer = make_member(acme, "viewer").api

    bodies: tuple[Any, ...] = ({}, {"name": 3}, [], "{")
    for caller, code in ((viewer, "permission_denied"), (acme.api, "scope_missing")):
        for body in bodies:
            assert caller.call("POST", "auth/api-keys/generate/", body).code == code, body
    assert Api().call("POST", "auth/api-keys/generate/", "{").code == "authentication_required"


def test_a_wrong_field_is_named_as_it_was_sent(acme: Tenant) -> None:
    role = acme.owner.post("tenant/roles/", {"permissions": "all"})
    preset = acme.api.post("conversions/presets/", {"name": 3})
    query = acme.api.get("conversions/jobs/?limit=0")

    assert fields(role) == ["name", "permissions"]
    assert fields(preset) == ["name", "steps"]
    assert fields(query) == ["limit"]


def fields(reply: Any) -> list[str]:
    """Names of the wrong fields, in order."""
    return sorted(item["field"] for item in reply.json["errors"])


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/api/v1/nowhere/", "/api/v1/a/b/c/", "/api/squeeze/pdf/"])
def test_an_address_that_is_not_there_is_404_by_every_method(
    acme: Tenant, method: str, path: str
) -> None:
    body: dict[str, str] | None = None if method == "GET" else {}

    assert acme.api.call(method, path, body).code == "not_found"


def test_the_wishs_addresses_are_still_there(acme: Tenant) -> None:
    for path in ("compress/pdf", "edit/image", "extract/text", "convert/png-to-webp"):
        assert acme.api.call("GET", f"/api/{path}/").code == "method_not_allowed", path
        assert acme.api.call("POST", f"/api/{path}/", {}).code != "not_found", path


@pytest.mark.parametrize(("status", "code"), CODES)
def test_every_code_of_the_contract_has_its_status_and_its_page(
    visitor: Api, status: int, code: str
) -> None:
    if code in BEGUN_ELSEWHERE and code not in every_error():
        pytest.skip("made together with what raises it")
    page = visitor.get(f"/problems/{code}/")

    assert every_error()[code].status == status
    assert page.status == 200
    assert re.search(rf"\b{code}\b", page.body.decode())
