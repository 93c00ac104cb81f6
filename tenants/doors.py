"""`/auth/`: the doors that a person comes in by, with the tenants behind them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from ninja import Router

from accounts import services as accounts
from accounts.auth import (
    FLOW_COOKIE,
    end_browser_session,
    forget_flow,
    is_own_path,
    refuse_cross_site,
    remember_flow,
    start_browser_session,
)
from accounts.queries import active_user, user_body
from accounts.terms import Origin
from audit.services import record_activity
from core.access import ANYONE, SIGNED_IN, principal_of, requires
from core.calling import name_actor
from core.env import env
from core.errors import AuthenticationRequired
from tenants import queries, services
from tenants.schemas import (
    ArrivalIn,
    BrowserLoginOut,
    LoginIn,
    LoginOut,
    ProviderListOut,
    RegisterIn,
    RegisterOut,
)

router = Router(tags=["Auth"])


@router.post("/register/", response={201: RegisterOut}, auth=None)
@requires(ANYONE)
def register(request: HttpRequest, payload: RegisterIn) -> tuple[int, dict[str, Any]]:
    """Create a person and their first tenant on Free; a verification mail follows."""
    accounts.count_registration(origin=Origin.of(request.META))
    user_id = services.register(
        email=payload.email,
        password=payload.password,
        username=payload.username,
        full_name=payload.full_name,
        tenant_name=payload.tenant_name,
    )
    user = active_user(user_id)
    assert user is not None  # noqa: S101 - made above
    name_actor(user_id)
    return 201, {**user_body(user), "tenants": queries.tenants_body(user_id)}


def login_body(user: Any) -> dict[str, Any]:
    """The person and their tenants."""
    return {"user": user_body(user), "tenants": queries.tenants_body(user.id)}


def enter(request: HttpRequest, proof: accounts.Proof) -> dict[str, Any]:
    """A browser's login: cookies on the answer, the CSRF token in it."""
    name_actor(proof.user.id)
    token = start_browser_session(request, proof)
    return {**login_body(proof.user), "csrf_token": token}


def log_in(request: HttpRequest, payload: LoginIn) -> accounts.Proof:
    """The one check behind tokens and cookies."""
    return accounts.log_in(
        username=payload.username,
        password=payload.password,
        otp=payload.otp,
        origin=Origin.of(request.META),
    )


@router.post("/login/", response=LoginOut, auth=None)
@requires(ANYONE)
def login(request: HttpRequest, payload: LoginIn) -> dict[str, Any]:
    """Tokens for user name (or e-mail address) and password."""
    proof = log_in(request, payload)
    name_actor(proof.user.id)
    body = login_body(proof.user)
    pair = accounts.open_session(
        user=proof.user,
        tenant_slug=body["tenants"][0]["slug"] if body["tenants"] else None,
        has_mfa=proof.has_mfa,
        origin=Origin.of(request.META),
    )
    return {**vars(pair), **body}


@router.post("/session/", response=BrowserLoginOut, auth=None)
@requires(ANYONE)
def open_browser_session(request: HttpRequest, payload: LoginIn) -> dict[str, Any]:
    """Log the dashboard in: a session cookie, and a CSRF token for unsafe calls."""
    refuse_cross_site(request)
    return enter(request, log_in(request, payload))


@router.get("/session/", response=BrowserLoginOut)
@requires(SIGNED_IN)
def get_browser_session(request: HttpRequest) -> dict[str, Any]:
    """Who is logged in here, with the CSRF token."""
    user = active_user(principal_of(request).user_id or "")
    if user is None:
        raise AuthenticationRequired
    return {**login_body(user), "csrf_token": get_token(request)}


@router.delete("/session/", response={204: None})
@requires(SIGNED_IN)
def close_browser_session(request: HttpRequest) -> tuple[int, None]:
    """Log the dashboard out."""
    end_browser_session(request)
    return 204, None


@router.get("/oidc/", response=ProviderListOut, auth=None)
@requires(ANYONE)
def list_providers(request: HttpRequest) -> dict[str, Any]:
    """Where else one may log in from; empty unless configured."""
    providers = env().open_id.providers.values()
    return {"items": [{"name": p.name, "label": p.label or p.name} for p in providers]}


@router.get("/oidc/{provider}/start/", response={302: None}, auth=None)
@requires(ANYONE)
def start_external(request: HttpRequest, provider: str, next: str = "/") -> HttpResponse:
    """Send the browser to a provider; it comes back to ``callback/``."""
    url, sealed = accounts.start_external(provider, next if is_own_path(next) else "/")
    return remember_flow(HttpResponseRedirect(url), sealed)


@router.get("/oidc/{provider}/callback/", response={302: None}, auth=None)
@requires(ANYONE)
def finish_external(
    request: HttpRequest, provider: str, state: str = "", code: str = ""
) -> HttpResponse:
    """End the sign-in: logged in by cookie, or on to the page that asks for the second factor."""
    arrival = accounts.arrive(
        sealed=request.COOKIES.get(FLOW_COOKIE, ""), provider=provider, state=state, code=code
    )
    services.give_first_tenant(user_id=arrival.user.id, name=arrival.user.full_name)
    if arrival.ticket:
        return forget_flow(HttpResponseRedirect(f"/second-factor/?ticket={arrival.ticket}"))
    enter(request, accounts.Proof(arrival.user, has_mfa=False))
    record_activity(action="login", target=provider, user_id=arrival.user.id, status=302)
    return forget_flow(HttpResponseRedirect(arrival.next))


@router.post("/oidc/finish/", response=BrowserLoginOut, auth=None)
@requires(ANYONE)
def finish_with_second_factor(request: HttpRequest, payload: ArrivalIn) -> dict[str, Any]:
    """The second factor of somebody whom a provider vouches for; logs the browser in."""
    refuse_cross_site(request)
    origin = Origin.of(request.META)
    proof = accounts.finish_arrival(ticket=payload.ticket, otp=payload.otp, origin=origin)
    return enter(request, proof)
