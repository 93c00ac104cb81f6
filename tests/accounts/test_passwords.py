"""Strength, reset by mail, change by the old one."""

from __future__ import annotations

import re

import pytest

from tests.accounts.people import PASSWORD, new_address, new_person, verified_person
from tests.client import Api
from tests.factories.mails import mailed_token, mails_to, post_mails, text_of
from tests.factories.tenants import Tenant
from tests.product import Product

NEW = "quite-Another-phrase-91"


def test_a_password_set_by_mail_opens_and_ends_what_was_open(
    visitor: Api, product: Product
) -> None:
    person = verified_person(product)
    session = person.api()

    asked = visitor.post("auth/password/reset/", {"email": person.email.upper()})
    token = mailed_token(product, person.email)
    done = visitor.post("auth/password/reset/confirm/", {"token": token, "password": NEW})

    assert (asked.status, done.status) == (202, 204)
    assert session.get("auth/me/").code == "token_expired"
    assert person.log_in().code == "invalid_credentials"
    person.password = NEW
    assert person.log_in().status == 200
    assert mails_to(product, person.email)[0]["Subject"] == "Your Filemill password was changed"


def test_a_reset_link_is_good_once(visitor: Api, product: Product) -> None:
    person = verified_person(product)
    visitor.post("auth/password/reset/", {"email": person.email})
    body = {"token": mailed_token(product, person.email), "password": NEW}

    first = visitor.post("auth/password/reset/confirm/", body)
    again = visitor.post("auth/password/reset/confirm/", {**body, "password": NEW + "x"})

    assert (first.status, again.status, again.code) == (204, 422, "validation_error")
    assert again.json["errors"][0]["field"] == "token"


def test_a_weak_password_leaves_the_reset_link_good(visitor: Api, product: Product) -> None:
    person = verified_person(product)
    visitor.post("auth/password/reset/", {"email": person.email})
    token = mailed_token(product, person.email)

    weak = visitor.post("auth/password/reset/confirm/", {"token": token, "password": "qwertyuiop"})
    strong = visitor.post("auth/password/reset/confirm/", {"token": token, "password": NEW})

    assert weak.json["errors"][0] | {"message": ""} == {
        "field": "password",
        "code": "weak",
        "message": "",
    }
    assert strong.status == 204


def test_resetting_proves_the_address(visitor: Api, product: Product) -> None:
    person = new_person()
    visitor.post("auth/password/reset/", {"email": person.email})

    token = mailed_token(product, person.email)
    visitor.post("auth/password/reset/confirm/", {"token": token, "password": NEW})

    person.password = NEW
    assert person.api().get("auth/me/").json["email_verified"] is True


def test_a_token_of_another_mail_resets_nothing(visitor: Api, product: Product) -> None:
    person = new_person()
    token = mailed_token(product, person.email)

    reply = visitor.post("auth/password/reset/confirm/", {"token": token, "password": NEW})

    assert reply.code == "validation_error"


def test_an_unknown_address_gets_no_mail_and_the_same_answer(
    visitor: Api, product: Product
) -> None:
    known, unknown = verified_person(product).email, new_address()

    replies = [visitor.post("auth/password/reset/", {"email": who}) for who in (known, unknown)]
    post_mails()

    assert replies[0].status == replies[1].status == 202
    assert replies[0].body == replies[1].body
    assert mails_to(product, unknown) == []
    assert replies[0].headers.keys() == replies[1].headers.keys()


def test_an_address_gets_five_reset_mails_an_hour(visitor: Api, product: Product) -> None:
    person = verified_person(product)

    replies = [visitor.post("auth/password/reset/", {"email": person.email}) for _ in range(7)]

    assert {reply.status for reply in replies} == {202}
    subjects = [mail["Subject"] for mail in mails_to(product, person.email)]
    assert subjects.count("Set a new password for Filemill") == 5


def test_changing_the_password_ends_the_other_sessions(product: Product) -> None:
    person = new_person()
    here, elsewhere = person.api(), person.api()

    wrong = here.post("auth/password/change/", {"current_password": "no", "password": NEW})
    right = here.post("auth/password/change/", {"current_password": PASSWORD, "password": NEW})

    assert (wrong.code, right.status) == ("invalid_credentials", 204)
    assert here.get("auth/me/").status == 200
    assert elsewhere.get("auth/me/").code == "token_expired"
    assert person.log_in().code == "invalid_credentials"


def test_a_new_password_that_is_too_weak_is_no_guess(product: Product) -> None:
    me = new_person().api()
    weak = {"current_password": PASSWORD, "password": "qwertyuiop"}

    statuses = [me.post("auth/password/change/", weak).status for _ in range(7)]
    guesses = [
        me.post("auth/password/change/", {**weak, "current_password": "guess"}).status
        for _ in range(7)
    ]

    assert statuses == [422] * 7
    assert guesses == [401] * 5 + [429] * 2


def test_a_refresh_token_ends_with_the_password(visitor: Api) -> None:
    person = new_person()
    pair = person.log_in().json
    body = {"old_password": PASSWORD, "new_password": NEW}

    person.api().post("auth/password/change/", body)

    assert visitor.post("auth/refresh/", {"refresh": pair["refresh"]}).code == "token_expired"


def test_a_key_changes_no_password(acme: Tenant) -> None:
    body = {"current_password": PASSWORD, "password": NEW}

    assert acme.api.post("auth/password/change/", body).code == "permission_denied"


@pytest.mark.parametrize(
    ("password", "status"),
    [
        ("ninechars", 422),
        ("Passw0rd!Passw0rd!", 422),  # in no list, and easy to guess
        ("iloveyou2026", 422),
        ("correct horse battery staple", 201),
        ("ünïcödé-Wörter-42", 201),
        ("ä" * 20 + "7Zq-Rp" + "ö" * 480, 201),
        ("ä7Zq-Rp" + "ö" * 600, 422),  # 1,208 bytes
    ],
)
def test_a_password_is_judged_by_how_hard_it_is_to_guess(
    visitor: Api, password: str, status: int
) -> None:
    reply = visitor.post("auth/register/", {"email": new_address(), "password": password})

    assert reply.status == status


def test_a_password_may_not_be_made_of_the_persons_own_names(visitor: Api) -> None:
    body = {
        "email": "brunhilde.waldschmidt@example.com",
        "password": "Brunhilde-Waldschmidt",
        "full_name": "Brunhilde Waldschmidt",
    }

    assert visitor.post("auth/register/", body).code == "validation_error"


def test_passwords_are_stored_as_argon2id() -> None:
    from accounts.models import User

    person = new_person()

    assert User.objects.get(pk=person.id).password.startswith("argon2$argon2id$")


def test_the_mail_says_the_same_in_text_and_html(visitor: Api, product: Product) -> None:
    person = verified_person(product)
    visitor.post("auth/password/reset/", {"email": person.email})

    mail = mails_to(product, person.email)[0]

    link = "http://localhost:8000/reset-password/?token="
    assert text_of(mail).count(link) == text_of(mail, "html").count(link) == 1
    assert person.username in text_of(mail)


def test_the_link_opens_a_page_that_sets_the_password(visitor: Api, product: Product) -> None:
    from django.test import Client

    person = verified_person(product)
    visitor.post("auth/password/reset/", {"email": person.email})
    token = mailed_token(product, person.email)
    browser = Client(enforce_csrf_checks=True, SERVER_NAME="localhost")

    page = browser.get("/reset-password/", {"token": token})
    csrf = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())
    assert csrf
    form = {"token": token, "password": NEW, "csrfmiddlewaretoken": csrf[1]}
    forged = Client(enforce_csrf_checks=True, SERVER_NAME="localhost").post(
        "/reset-password/", form
    )
    weak = browser.post("/reset-password/", {**form, "password": "short"})
    done = browser.post("/reset-password/", form)

    assert (page.status_code, forged.status_code) == (200, 403)
    assert (weak.status_code, done.status_code) == (422, 200)
    assert b'role="alert"' in weak.content
    person.password = NEW
    assert person.log_in().status == 200
