"""Many who log in at once wait for each other, and hold nothing that others need meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection, transaction

from tests.client import Api, somewhere
from tests.factories.tenants import Tenant


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the thread held a connection, for each password that was compared."""
    found: list[bool] = []
    compare = Argon2PasswordHasher.verify

    def watch(self: Any, password: str, encoded: str) -> bool:
        found.append(connection.connection is not None)
        return bool(compare(self, password, encoded))

    monkeypatch.setattr(Argon2PasswordHasher, "verify", watch)
    return found


def test_a_login_holds_no_connection_while_its_password_is_hashed(
    acme: Tenant, held: list[bool]
) -> None:
    for password in (acme.password, "wrong-password-1"):
        body = {"username": acme.username, "password": password}
        Api(address=somewhere()).post("auth/login/", body)

    assert held == [False, False]


def test_a_transaction_keeps_its_own(acme: Tenant, held: list[bool]) -> None:
    from accounts.queries import active_user

    with transaction.atomic():
        user = active_user(acme.user_id)
        assert user is not None
        user.check_password(acme.password)

    assert held == [True]
