"""Speaks OpenID Connect (Core 1.0, code flow with PKCE) through the guarded client.

Authlib builds requests and judges claims, joserfc checks signatures; the calls are ours, so that
addresses are judged and time is bounded (core.http).
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import httpx
from authlib.common.security import generate_token
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from cryptography.fernet import InvalidToken
from django.core.cache import caches
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from accounts.errors import ProviderRefused
from core import http
from core.crypto import seal, unseal
from core.env import OpenIdProvider, env
from core.errors import NotFound, ServiceUnavailable, UrlForbidden

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
LEEWAY_S = 60  # clocks differ
FLOW_S = 600  # from the start of a sign-in to its end
METADATA_S = 3600  # a provider's addresses are remembered
SCOPE = "openid email profile"
CALL_S = 10.0


@dataclass(frozen=True)
class Flow:
    """One sign-in under way; sealed in a cookie, so it belongs to one browser."""

    provider: str
    state: str
    nonce: str
    verifier: str
    next: str
    started_at: int  # seconds of the epoch


@dataclass(frozen=True)
class Claims:
    """What a provider says of a person."""

    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str


def provider_of(name: str) -> OpenIdProvider:
    """A configured provider. Raises NotFound."""
    provider = env().open_id.providers.get(name)
    if provider is None:
        raise NotFound("There is no such sign-in provider.")
    return provider


def redirect_uri(name: str) -> str:
    """Where the provider sends people back to."""
    return f"{env().site.public_url}/api/v1/auth/oidc/{name}/callback/"


def start(name: str, next_path: str) -> tuple[str, str]:
    """The provider's address for this sign-in, and the sealed flow. Raises NotFound."""
    provider = provider_of(name)
    flow = Flow(
        name,
        generate_token(32),
        generate_token(32),
        generate_token(64),
        next_path,
        int(time.time()),
    )
    url = prepare_grant_uri(
        metadata(provider)["authorization_endpoint"],
        provider.client_id,
        "code",
        redirect_uri=redirect_uri(name),
        scope=SCOPE,
        state=flow.state,
        nonce=flow.nonce,
        code_challenge=create_s256_code_challenge(flow.verifier),
        code_challenge_method="S256",
    )
    return str(url), seal(json.dumps(vars(flow)))


def resume(sealed: str, name: str, state: str) -> Flow:
    """The flow that a browser started. Raises ProviderRefused for any other."""
    try:
        flow = Flow(**json.loads(unseal(sealed)))
    except (InvalidToken, ValueError, TypeError) as error:
        raise ProviderRefused("Start the sign-in again in this browser.") from error
    is_late = time.time() - flow.started_at > FLOW_S
    if flow.provider != name or flow.state != state or is_late:
        raise ProviderRefused("Start the sign-in again in this browser.")
    return flow


def finish(flow: Flow, code: str) -> Claims:
    """Who the provider says it is, signature, issuer, audience, times and nonce checked."""
    provider = provider_of(flow.provider)
    known = metadata(provider)
    answer = call(
        "POST",
        known["token_endpoint"],
        data={
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri(flow.provider),
            "client_id": provider.client_id,
            "client_secret": provider.client_secret.get_secret_value(),
            "code_verifier": flow.verifier,
        },
    )
    claims = checked(provider, known, answer, flow.nonce)
    return Claims(
        issuer=provider.issuer,
        subject=str(claims["sub"]),
        email=str(claims.get("email") or ""),
        email_verified=claims.get("email_verified") is True,
        name=str(claims.get("name") or "")[:200],
    )


def checked(
    provider: OpenIdProvider, known: dict[str, Any], answer: dict[str, Any], nonce: str
) -> dict[str, Any]:
    """The claims of an id token that holds. Raises ProviderRefused."""
    try:
        keys = KeySet.import_key_set(call("GET", known["jwks_uri"]))  # type: ignore[arg-type]
        token = jwt.decode(str(answer["id_token"]), keys, algorithms=ALGORITHMS)
        claims = CodeIDToken(
            token.claims,
            token.header,
            {
                "iss": {"essential": True, "value": provider.issuer},
                "aud": {"essential": True, "value": provider.client_id},
            },
            {
                "nonce": nonce,
                "client_id": provider.client_id,
                "access_token": answer.get("access_token"),
            },
        )
        claims.validate(leeway=LEEWAY_S)
    except (JoseError, KeyError, ValueError, TypeError) as error:
        raise ProviderRefused("The provider's answer does not hold. Try again.") from error
    return dict(claims)


def metadata(provider: OpenIdProvider) -> dict[str, Any]:
    """The provider's addresses, by OpenID Connect Discovery 1.0; remembered for an hour."""
    key = f"oidc:{provider.issuer}"
    known: dict[str, Any] | None = caches["platform"].get(key)
    if known is None:
        known = call("GET", f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
        if known.get("issuer") != provider.issuer:
            raise ServiceUnavailable("The sign-in provider names another issuer.")
        caches["platform"].set(key, known, METADATA_S)
    return known


def call(method: str, url: str, data: dict[str, str] | None = None) -> dict[str, Any]:
    """A JSON object from the provider. Raises ProviderRefused, ServiceUnavailable."""
    try:
        with http.client(timeout_s=CALL_S, allow=env().open_id.allow_hosts) as client:
            reply = client.request(method, url, data=data, headers={"Accept": "application/json"})
    except (httpx.HTTPError, UrlForbidden) as error:
        raise ServiceUnavailable("The sign-in provider does not answer.") from error
    if 400 <= reply.status_code < 500:
        raise ProviderRefused("The provider refused this sign-in. Start again.")
    try:
        body = reply.json()
    except ValueError as error:
        raise ServiceUnavailable("The sign-in provider does not answer as it should.") from error
    if reply.status_code != 200 or not isinstance(body, dict):
        raise ServiceUnavailable("The sign-in provider does not answer as it should.")
    return body
