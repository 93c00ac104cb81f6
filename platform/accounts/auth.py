"""Logins of browsers: Django's session cookie carries the id of our login, as a JWT does."""

from __future__ import annotations

import copy

from django.conf import settings
from django.contrib.auth import login as django_login
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import queries, services
from accounts.gateway import FLOW_S
from accounts.terms import DEVICE_KEY, SESSION_KEY, Origin
from core.errors import CsrfFailed

BACKEND = "django.contrib.auth.backends.ModelBackend"
FLOW_COOKIE = "filemill_oidc"
FLOW_PATH = "/api/v1/auth/oidc/"
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def start_browser_session(request: HttpRequest, proof: services.Proof) -> str:
    """Log a browser in: new session key, new CSRF token (returned). The admin site knows it too."""
    end_browser_session(request)  # whoever was logged in before
    django_login(request, proof.user, backend=BACKEND)
    if not request.session.session_key:
        request.session.create()
    login = services.open_login(
        user=proof.user,
        has_mfa=proof.has_mfa,
        origin=Origin.of(request.META),
        browser_key=request.session.session_key or "",
    )
    request.session[SESSION_KEY] = login.id
    if proof.has_mfa:
        request.session[DEVICE_KEY] = services.device_id(user_id=proof.user.id)
    return get_token(request)


def end_browser_session(request: HttpRequest) -> None:
    """Log the browser out. Idempotent."""
    session_id = request.session.get(SESSION_KEY)
    if session_id:
        services.end_session(session_id=str(session_id))
    request.session.flush()


def browser_user(request: HttpRequest) -> queries.SessionUser | None:
    """Who the cookie stands for, or None. An unsafe call without its token: CsrfFailed."""
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    session_id = SessionStore(key).get(SESSION_KEY) if key else None
    user = queries.session_user(str(session_id)) if session_id else None
    if user is not None and request.method not in SAFE:
        demand_csrf(request)
    return user


def demand_csrf(request: HttpRequest) -> None:
    """Raise CsrfFailed unless origin and the header ``X-CSRFToken`` fit the cookie."""
    # As a PUT, so that Django looks for the token in the header only and leaves the body unread.
    probe = copy.copy(request)
    probe.method = "PUT"
    if CsrfViewMiddleware(answer_nothing).process_view(probe, answer_nothing, (), {}):
        raise CsrfFailed("Send the cookie `csrftoken` back in the header `X-CSRFToken`.")


def answer_nothing(request: HttpRequest) -> HttpResponse:
    """A view for the check: none is reached."""
    return HttpResponse()


def refuse_cross_site(request: HttpRequest) -> None:
    """Raise CsrfFailed when another site logs somebody in here (no token exists yet)."""
    origin = request.headers.get("Origin")
    own = f"{request.scheme}://{request.get_host()}"
    if origin not in (None, own) or request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise CsrfFailed("Log in from the site itself.")


def is_own_path(path: str) -> bool:
    """Whether a path leads nowhere but to this site."""
    return path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None)


def remember_flow(response: HttpResponse, sealed: str) -> HttpResponse:
    """Keep the state of a sign-in in the browser that started it."""
    response.set_cookie(
        FLOW_COOKIE,
        sealed,
        max_age=FLOW_S,
        path=FLOW_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",  # the provider's redirect back is a top-level GET
    )
    return response


def forget_flow(response: HttpResponse) -> HttpResponse:
    """A state is good once."""
    response.delete_cookie(FLOW_COOKIE, path=FLOW_PATH, samesite="Lax")
    return response
