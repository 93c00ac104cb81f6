"""Database queries of the routes that every page calls: few, and the same for everybody."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.accounts.people import new_person
from tests.client import Api
from tests.factories.tenants import Tenant, make_tenant


def count(call: Callable[[], object]) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as seen:
        call()
    return len([query for query in seen if not query["sql"].startswith("SET search_path")])


@pytest.mark.parametrize(
    ("path", "most"),
    [("auth/me/", 4), ("auth/sessions/", 4), ("auth/me/activity/", 4)],
)
def test_reads_about_oneself_take_a_constant_number(path: str, most: int) -> None:
    new, old = make_tenant().owner, make_tenant()
    for _ in range(6):
        new_person()
        Api().post("auth/login/", {"username": old.username, "password": old.password})
    new.get(path), old.owner.get(path)

    counts = [count(lambda api=api: api.get(path)) for api in (new, old.owner)]  # type: ignore[misc]

    assert counts[0] == counts[1] <= most


def test_the_check_of_a_token_takes_two(acme: Tenant) -> None:
    from django.test import RequestFactory

    from tenants.auth import authenticate

    request = RequestFactory().get(
        "/api/v1/auth/me/", headers={"Authorization": acme.owner.authorization}
    )
    request.META["SERVER_NAME"] = "localhost"

    assert count(lambda: authenticate(request)) == 2


def test_a_reset_asks_the_database_the_same_for_everybody(visitor: Api, acme: Tenant) -> None:
    address = acme.owner.get("auth/me/").json["email"]

    counts = {
        count(lambda who=who: visitor.post("auth/password/reset/", {"email": who}))  # type: ignore[misc]
        for who in (address, "nobody-here@example.com")
    }

    assert len(counts) == 1
