"""Prove an address, claim one side by side, change it."""

from __future__ import annotations

from tests.accounts.people import PASSWORD, new_address, new_person, verified_person
from tests.client import Api, somewhere
from tests.factories.mails import mailed_token, mails_to, text_of
from tests.product import Product


def test_registering_a_known_address_answers_like_any_other(visitor: Api, product: Product) -> None:
    owner = verified_person(product)
    body = {"email": owner.email.upper(), "password": PASSWORD + "x"}

    known = visitor.post("auth/register/", body)
    fresh = visitor.post("auth/register/", {**body, "email": new_address()})

    assert known.status == fresh.status == 201
    assert known.json.keys() == fresh.json.keys()
    assert known.headers.keys() == fresh.headers.keys()
    assert known.json["id"] != owner.id
    assert len(known.json["tenants"]) == 1


def test_the_owner_of_a_known_address_is_told_and_keeps_it(product: Product) -> None:
    owner = verified_person(product)

    claim = new_person(email=owner.email, password="somebody-Elses-try-5")
    mail = mails_to(product, owner.email)[0]

    assert mail["Subject"] == "You already have a Filemill account"
    assert mail["Message-ID"].startswith("<mail_")  # the order's: sent twice, it is one mail
    assert "token=" not in text_of(mail)
    assert owner.log_in().json["user"]["id"] == owner.id
    assert claim.log_in().json["user"]["id"] == claim.id
    assert claim.log_in().json["user"]["email_verified"] is False


def test_who_proves_an_address_first_has_it(visitor: Api, product: Product) -> None:
    squatter = new_person(password="squatters-Phrase-31")
    squatters_link = mailed_token(product, squatter.email)
    owner = new_person(email=squatter.email)
    owners_link = mailed_token(product, owner.email)

    first = visitor.post("auth/verify-email/", {"token": owners_link})
    late = visitor.post("auth/verify-email/", {"token": squatters_link})

    assert (first.status, first.json["id"]) == (200, owner.id)
    assert (late.status, late.code) == (422, "validation_error")
    assert owner.log_in().json["user"]["id"] == owner.id


def test_verification_mail_is_sent_again(visitor: Api, product: Product) -> None:
    person = new_person()
    mails_to(product, person.email)

    by_address = visitor.post("auth/verify-email/resend/", {"email": person.email})
    by_session = person.api().post("auth/verify-email/resend/")
    unknown = visitor.post("auth/verify-email/resend/", {"email": new_address()})

    assert {by_address.status, by_session.status, unknown.status} == {202}
    assert by_address.body == unknown.body
    assert len(mails_to(product, person.email)) == 3
    token = mailed_token(product, person.email)
    assert visitor.post("auth/verify-email/", {"token": token}).json["id"] == person.id


def test_a_proven_address_gets_no_verification_mail(visitor: Api, product: Product) -> None:
    person = verified_person(product)
    before = len(mails_to(product, person.email))

    visitor.post("auth/verify-email/resend/", {"email": person.email})

    assert len(mails_to(product, person.email)) == before


def test_a_new_address_counts_once_its_link_is_opened(visitor: Api, product: Product) -> None:
    person = verified_person(product)
    me, new = person.api(), new_address()

    changed = me.patch("auth/me/", {"email": new})
    notice = mails_to(product, person.email)[0]
    token = mailed_token(product, new)
    early = me.get("auth/me/").json
    opened = visitor.post("auth/verify-email/", {"token": token})
    again = visitor.post("auth/verify-email/", {"token": token})

    assert (changed.json["email"], changed.json["pending_email"]) == (person.email, new)
    assert early["email"] == person.email
    assert notice["Subject"] == "Your Filemill address is about to change"
    assert new not in text_of(notice)
    assert (opened.status, again.status) == (200, 200)
    assert (opened.json["email"], opened.json["pending_email"]) == (new, None)
    old, person.email = person.email, new
    assert person.log_in().status == 200
    person.email = old
    assert person.log_in().code == "invalid_credentials"


def test_an_older_link_changes_nothing_once_another_address_was_wished(
    visitor: Api, product: Product
) -> None:
    person = verified_person(product)
    first, second = new_address(), new_address()
    person.api().patch("auth/me/", {"email": first})
    token = mailed_token(product, first)

    person.api().patch("auth/me/", {"email": second})

    assert visitor.post("auth/verify-email/", {"token": token}).code == "validation_error"


def test_an_address_of_somebody_else_is_not_taken(visitor: Api, product: Product) -> None:
    owner, other = verified_person(product), verified_person(product)

    changed = other.api().patch("auth/me/", {"email": owner.email})
    token = mailed_token(product, owner.email)
    opened = visitor.post("auth/verify-email/", {"token": token})

    assert changed.status == 200  # says nothing of the address being known
    assert opened.code == "validation_error"
    assert owner.log_in().json["user"]["id"] == owner.id


def test_keys_wait_for_a_proven_address(visitor: Api, product: Product) -> None:
    person = new_person()
    body = {"name": "first"}

    early = person.api().post("auth/api-keys/generate/", body)
    visitor.post("auth/verify-email/", {"token": mailed_token(product, person.email)})
    late = person.api().post("auth/api-keys/generate/", body)

    assert (early.code, late.status) == ("email_not_verified", 201)


def test_registering_is_counted_by_address(visitor: Api) -> None:
    from accounts.services import sign_in

    here, there = Api(address=somewhere()), Api(address=somewhere())
    weak = {"email": new_address(), "password": "short"}

    replies = [
        here.post("auth/register/", weak).status for _ in range(sign_in.REGISTRATIONS_AN_HOUR + 3)
    ]
    refused = here.post("auth/register/", {**weak, "password": PASSWORD})
    elsewhere = there.post("auth/register/", {**weak, "password": PASSWORD})

    assert replies == [422] * sign_in.REGISTRATIONS_AN_HOUR + [429] * 3
    assert refused.code == "too_many_attempts"
    assert int(refused.headers["Retry-After"]) > 0
    assert elsewhere.status == 201
