"""`/auth/`: what concerns the person alone. What needs tenants is in ``tenants.api``."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from accounts import queries, services
from accounts.schemas import RefreshIn, TokenIn, TokensOut, UserOut
from core.access import ANYONE, SIGNED_IN, principal_of, requires
from core.errors import AuthenticationRequired

router = Router(tags=["Auth"])


@router.post("/verify-email/", response=UserOut, auth=None)
@requires(ANYONE)
def verify_email(request: HttpRequest, payload: TokenIn) -> dict[str, Any]:
    """Prove the address with the token of the mail."""
    return queries.user_body(services.verify_email(token=payload.token))


@router.post("/refresh/", response=TokensOut, auth=None)
@requires(ANYONE)
def refresh(request: HttpRequest, payload: RefreshIn) -> services.TokenPair:
    """The next pair of tokens. A reused token ends its session."""
    return services.refresh_session(refresh=payload.refresh)


@router.post("/logout/", response={204: None}, auth=None)
@requires(ANYONE)
def logout(request: HttpRequest, payload: RefreshIn) -> tuple[int, None]:
    """Revoke the session of a refresh token."""
    services.log_out(refresh=payload.refresh)
    return 204, None


@router.get("/me/", response=UserOut)
@requires(SIGNED_IN)
def me(request: HttpRequest) -> dict[str, Any]:
    """The person behind the credentials (a key's maker)."""
    user = queries.active_user(principal_of(request).user_id or "")
    if user is None:
        raise AuthenticationRequired
    return queries.user_body(user)
