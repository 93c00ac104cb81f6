"""Sign-in by OpenID Connect, with a real provider on this machine (oidc-provider-mock)."""

from __future__ import annotations

import base64
import hashlib
import logging
import secrets
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.test import Client
from pydantic import SecretStr

from core.env import Env, OpenIdProvider, env
from tests.accounts.people import new_address, new_person, verified_person
from tests.accounts.test_second_factor import code_of
from tests.client import Api
from tests.factories.mails import mails_to
from tests.product import Product
from tests.waiting import wait_until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the mock's own
V1 = "/api/v1/auth"
CALLBACK = f"{V1}/oidc/local/callback/"


@dataclass
class Provider:
    """The provider, and what reached it."""

    issuer: str
    challenges: dict[str, str] = field(default_factory=dict)  # nonce → code_challenge
    exchanges: list[dict[str, str]] = field(default_factory=list)

    def put(self, subject: str, **claims: Any) -> None:
        """A person there."""
        reply = httpx.put(f"{self.issuer}/users/{subject}", json=claims)
        assert reply.status_code == 204, reply.text


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the mock's own use of Authlib
        import oidc_provider_mock
        from werkzeug.serving import make_server

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        app = oidc_provider_mock.app(require_nonce=True)
    found = Provider("")

    def note() -> None:
        from flask import request

        if request.path.endswith("/token"):
            found.exchanges.append(request.form.to_dict())

    app.before_request(note)

    import threading

    server = make_server("localhost", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    found.issuer = f"http://localhost:{server.server_port}"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def configured(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Env:
    local = OpenIdProvider(
        name="local",
        label="Local",
        issuer=provider.issuer,
        client_id="filemill",
        client_secret=SecretStr(secrets.token_hex(8)),
    )
    port = urlsplit(provider.issuer).port
    values = {"others": (local,), "allow_hosts": (f"localhost:{port}",)}
    settings = env().model_copy(update={"open_id": env().open_id.model_copy(update=values)})
    for module in ("accounts.gateway", "tenants.doors"):
        monkeypatch.setattr(f"{module}.env", lambda: settings)
    return settings


def browser() -> Client:
    return Client(raise_request_exception=False, enforce_csrf_checks=True, SERVER_NAME="localhost")


def at_provider(url: str, subject: str) -> dict[str, str]:
    """What the provider sends back once the person has agreed there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reply = httpx.post(url, data={"sub": subject})
    assert reply.status_code == 302, reply.text
    query = parse_qs(urlsplit(reply.headers["Location"]).query)
    return {name: values[0] for name, values in query.items()}


def start(client: Client, **query: str) -> str:
    reply = client.get(f"{V1}/oidc/local/start/", query)
    assert reply.status_code == 302, reply.content
    return str(reply["Location"])


def sign_in(client: Client, subject: str) -> Any:
    return client.get(CALLBACK, at_provider(start(client), subject))


def who(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{V1}/session/").json()
    return found


def test_a_newcomer_gets_an_account_and_a_tenant(provider: Provider) -> None:
    address, client = new_address(), browser()
    provider.put("new-1", email=address, email_verified=True, name="Grace Hopper")

    arrived = sign_in(client, "new-1")

    assert (arrived.status_code, arrived["Location"]) == (302, "/")
    person = who(client)
    assert (person["user"]["email"], person["user"]["email_verified"]) == (address, True)
    assert person["user"]["full_name"] == "Grace Hopper"
    assert len(person["tenants"]) == 1
    assert client.get("/api/v1/conversions/jobs/").status_code == 200


def test_the_second_time_it_is_the_same_person(provider: Provider) -> None:
    first, second = browser(), browser()
    provider.put("again", email=new_address(), email_verified=True)

    sign_in(first, "again")
    provider.put("again", email=new_address(), email_verified=True)
    sign_in(second, "again")

    assert who(first)["user"]["id"] == who(second)["user"]["id"]


def test_a_proven_address_links_to_its_owner_who_is_told(
    provider: Provider, product: Product
) -> None:
    owner, client = verified_person(product), browser()
    provider.put("owner", email=owner.email.upper(), email_verified=True)

    sign_in(client, "owner")

    assert who(client)["user"]["id"] == owner.id
    assert mails_to(product, owner.email)[0]["Subject"] == "A new way to log in to Filemill"


def test_an_address_that_nobody_proved_here_links_to_nobody(
    provider: Provider, product: Product
) -> None:
    squatter, client = new_person(), browser()
    provider.put("victim", email=squatter.email, email_verified=True)

    sign_in(client, "victim")

    assert who(client)["user"]["id"] != squatter.id
    assert who(client)["user"]["email_verified"] is True


@pytest.mark.parametrize("claims", [{"email_verified": False}, {}, {"email_verified": "true"}])
def test_an_address_that_the_provider_has_not_verified_is_refused(
    provider: Provider, product: Product, claims: dict[str, Any]
) -> None:
    owner = verified_person(product)
    provider.put("liar", email=owner.email, **claims)

    reply = sign_in(browser(), "liar")

    assert (reply.status_code, reply.json()["code"]) == (403, "email_not_verified")


def test_state_nonce_and_pkce_are_sent_and_the_verifier_fits(provider: Provider) -> None:
    provider.put("pkce", email=new_address(), email_verified=True)
    client = browser()

    url = start(client)
    sent = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    client.get(CALLBACK, at_provider(url, "pkce"))

    verifier = provider.exchanges[-1]["code_verifier"]
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode()
    assert sent["code_challenge_method"] == "S256"
    assert sent["code_challenge"] == digest.rstrip("=")
    assert len({sent["state"], sent["nonce"], verifier}) == 3
    assert min(map(len, (sent["state"], sent["nonce"]))) >= 32
    assert len(verifier) >= 43  # RFC 7636 §4.1
    assert verifier not in url


def test_a_state_belongs_to_the_browser_that_started(provider: Provider) -> None:
    provider.put("csrf", email=new_address(), email_verified=True)
    attacker, victim = browser(), browser()
    answer = at_provider(start(attacker), "csrf")
    start(victim)

    for client in (victim, browser()):
        reply = client.get(CALLBACK, answer)
        assert (reply.status_code, reply.json()["code"]) == (401, "invalid_credentials")


def test_an_answer_is_good_once(provider: Provider) -> None:
    provider.put("once", email=new_address(), email_verified=True)
    client = browser()
    answer = at_provider(start(client), "once")

    first, again = client.get(CALLBACK, answer), client.get(CALLBACK, answer)

    assert (first.status_code, again.status_code) == (302, 401)


def test_a_token_for_another_sign_in_is_refused(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.put("nonce", email=new_address(), email_verified=True)
    client = browser()
    url = start(client)
    nonce = parse_qs(urlsplit(url).query)["nonce"][0]

    answer = at_provider(url.replace(nonce, "n" * 32), "nonce")

    assert client.get(CALLBACK, answer).json()["code"] == "invalid_credentials"


@pytest.mark.parametrize("field", ["issuer", "client_id"])
def test_a_token_of_another_issuer_or_for_another_client_is_refused(
    provider: Provider, field: str
) -> None:
    from accounts import gateway
    from accounts.errors import ProviderRefused

    provider.put("other", email=new_address(), email_verified=True)
    client = browser()
    answer = at_provider(start(client), "other")
    flow = gateway.resume(client.cookies["filemill_oidc"].value, "local", answer["state"])
    ours = gateway.provider_of("local")
    known = gateway.metadata(ours)
    tokens = httpx.post(
        known["token_endpoint"],
        data={
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": gateway.redirect_uri("local"),
            "client_id": ours.client_id,
            "client_secret": "x",
        },
    ).json()

    claims = gateway.checked(ours, known, tokens, flow.nonce)
    other = ours.model_copy(update={field: "https://somebody.example"})

    assert claims["sub"] == "other"
    with pytest.raises(ProviderRefused):
        gateway.checked(other, known, tokens, flow.nonce)
    with pytest.raises(ProviderRefused):
        gateway.checked(ours, known, tokens, "another nonce")


def test_the_second_factor_is_asked_for_all_the_same(provider: Provider, product: Product) -> None:
    from django_otp.plugins.otp_totp.models import TOTPDevice

    owner, client = verified_person(product), browser()
    me = owner.api()
    secret = str(me.post("auth/mfa/totp/").json["secret"])
    me.post("auth/mfa/totp/confirm/", {"code": code_of(secret)})
    provider.put("mfa", email=owner.email, email_verified=True)

    arrived = sign_in(client, "mfa")
    page = arrived["Location"]
    ticket = parse_qs(urlsplit(page).query)["ticket"][0]
    body = {"ticket": ticket, "otp": "000000"}
    before = client.get(f"{V1}/session/").status_code
    shown = client.get(page)
    wrong = client.post(f"{V1}/oidc/finish/", body, content_type="application/json")
    device = TOTPDevice.objects.get(user_id=owner.id)
    wait_until(lambda: device.verify_is_allowed()[0])  # a wrong code is followed by a pause of 5 ms
    body["otp"] = code_of(secret, steps=1)
    right = client.post(f"{V1}/oidc/finish/", body, content_type="application/json")
    again = client.post(f"{V1}/oidc/finish/", body, content_type="application/json")

    assert page.startswith("/second-factor/?ticket=")
    assert (before, shown.status_code) == (401, 200)
    assert wrong.json()["code"] == "invalid_credentials"
    assert right.status_code == 200, right.content
    assert again.json()["code"] == "invalid_credentials"
    assert who(client)["user"]["id"] == owner.id


@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_next_leads_nowhere_else(provider: Provider, path: str) -> None:
    provider.put("next", email=new_address(), email_verified=True)
    client = browser()

    answer = at_provider(start(client, next=path), "next")

    assert client.get(CALLBACK, answer)["Location"] == "/"


def test_next_leads_within_the_site(provider: Provider) -> None:
    provider.put("next", email=new_address(), email_verified=True)
    client = browser()

    answer = at_provider(start(client, next="/dashboard/jobs/?q=1"), "next")

    assert client.get(CALLBACK, answer)["Location"] == "/dashboard/jobs/?q=1"


def test_providers_are_listed_without_their_secrets(provider: Provider) -> None:
    reply = Api().get("auth/oidc/")

    assert reply.json == {"items": [{"name": "local", "label": "Local"}]}
    assert Api().get("auth/oidc/nobody/start/").code == "not_found"


def test_a_private_issuer_is_not_called_unless_allowed(
    provider: Provider, configured: Env, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.core.cache import caches

    closed = configured.open_id.model_copy(update={"allow_hosts": ()})
    settings = configured.model_copy(update={"open_id": closed})
    monkeypatch.setattr("accounts.gateway.env", lambda: settings)
    caches["platform"].delete(f"oidc:{provider.issuer}")

    reply = browser().get(f"{V1}/oidc/local/start/")

    assert (reply.status_code, reply.json()["code"]) == (503, "service_unavailable")


def test_google_is_there_once_it_is_configured() -> None:
    values = {"google_client_id": "id", "google_client_secret": SecretStr("s"), "others": ()}
    settings = env().open_id.model_copy(update=values)

    assert settings.providers["google"].issuer == "https://accounts.google.com"
    assert env().open_id.model_copy(update={"google_client_id": ""}).providers.keys() == {
        provider.name for provider in env().open_id.others
    }
