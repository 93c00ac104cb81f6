"""Somebody who has just registered, as tests need them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from tests.client import Api, Reply, somewhere
from tests.factories.mails import mailed_token
from tests.product import Product

PASSWORD = "a-long-Password-77"


@dataclass
class Person:
    """A registered person with their own logins."""

    email: str
    password: str
    id: str
    username: str

    def log_in(self, **more: str) -> Reply:
        """POST login/ by the address."""
        return Api().post(
            "auth/login/", {"username": self.email, "password": self.password, **more}
        )

    def api(self) -> Api:
        """A fresh login."""
        reply = self.log_in()
        assert reply.status == 200, reply.body
        return Api(f"Bearer {reply.json['access']}")


def new_address() -> str:
    """An address that nobody has."""
    return f"{secrets.token_hex(6)}@example.com"


def new_person(**body: str) -> Person:
    """Register. The address is not proven."""
    sent = {"email": new_address(), "password": PASSWORD, **body}
    reply = Api(address=somewhere()).post("auth/register/", sent)
    assert reply.status == 201, reply.body
    return Person(sent["email"], sent["password"], reply.json["id"], reply.json["username"])


def verified_person(product: Product, **body: str) -> Person:
    """Register and open the link of the mail."""
    person = new_person(**body)
    token = mailed_token(product, person.email)
    assert Api().post("auth/verify-email/", {"token": token}).status == 200
    return person
