"""One person, one name, however it is written."""

from __future__ import annotations

import pytest

from tests.accounts.people import PASSWORD, Person, new_address, new_person, verified_person
from tests.client import Api, somewhere
from tests.product import Product


def register(**body: str) -> str:
    sent = {"email": new_address(), "password": PASSWORD, **body}
    return Api(address=somewhere()).post("auth/register/", sent).code


def test_a_name_that_only_looks_other_is_taken() -> None:
    boss = new_person(username=new_address().partition("@")[0] + "ski")

    for written in (
        boss.username.upper(),
        boss.username.replace("s", "\u017f"),
        wide(boss.username),
    ):
        assert register(username=written) == "conflict", written


def wide(text: str) -> str:
    """The same letters in full width."""
    return "".join(chr(ord(char) + 0xFEE0) for char in text)


def test_it_is_found_however_it_is_written(product: Product) -> None:
    person = verified_person(product)

    for name in (wide(person.username), person.username.upper(), f" {person.email.upper()} "):
        body = {"username": name, "password": PASSWORD}
        assert Api(address=somewhere()).post("auth/login/", body).status == 200, name


@pytest.mark.parametrize("by", ["username", "email"])
def test_failures_count_for_the_person_by_whichever_name(product: Product, by: str) -> None:
    person, here = verified_person(product), somewhere()
    names = spellings(person)

    codes = [guess(names[n % len(names)], here) for n in range(5)]
    after = {name: guess(name, here) for name in names}

    assert codes == ["invalid_credentials"] * 5
    assert set(after.values()) == {"too_many_attempts"}, after
    assert guess(getattr(person, by), somewhere()) == "invalid_credentials"


def spellings(person: Person) -> list[str]:
    """Every way in which one may try a person's password."""
    name = person.username
    return [name, person.email, name.upper(), person.email.upper(), wide(name), f" {name} "]


def guess(name: str, address: str) -> str:
    body = {"username": name, "password": "wrong-password-1"}
    return Api(address=address).post("auth/login/", body).code


@pytest.mark.parametrize("field", ["full_name", "tenant_name"])
def test_a_name_that_stands_in_mails_is_one_line(field: str) -> None:
    sent = {"email": new_address(), "password": PASSWORD, field: "Ann\r\nBcc: all@example.com\x00"}
    reply = Api(address=somewhere()).post("auth/register/", sent)

    assert reply.code == "validation_error"
    assert [item["field"] for item in reply.json["errors"]] == [field]
