"""`/auth/`: what concerns the person alone. What needs tenants is in ``tenants.api``."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from accounts import queries, services
from accounts.schemas import (
    CodeIn,
    RecoveryCodesOut,
    RefreshIn,
    TokenIn,
    TokensOut,
    TotpOut,
    UserOut,
)
from core.access import ANYONE, SIGNED_IN, principal_of, requires
from core.errors import AuthenticationRequired, PermissionDenied

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


def person(request: HttpRequest) -> str:
    """The id of a signed-in person; a key has no second factor to change."""
    caller = principal_of(request)
    if caller.api_key_id or not caller.user_id:
        raise PermissionDenied("Log in as a person: an API key can't do this.")
    return caller.user_id


@router.post("/mfa/totp/", response={201: TotpOut})
@requires(SIGNED_IN)
def offer_totp(request: HttpRequest) -> tuple[int, services.TotpOffer]:
    """A secret for an authenticator app; in force once confirmed."""
    return 201, services.offer_totp(user_id=person(request))


@router.post("/mfa/totp/confirm/", response=RecoveryCodesOut)
@requires(SIGNED_IN)
def confirm_totp(request: HttpRequest, payload: CodeIn) -> dict[str, list[str]]:
    """Put the secret in force; answers the recovery codes, this once."""
    codes = services.confirm_totp(user_id=person(request), code=payload.code)
    return {"recovery_codes": codes}


@router.delete("/mfa/totp/", response={204: None})
@requires(SIGNED_IN)
def drop_totp(request: HttpRequest) -> tuple[int, None]:
    """Remove the second factor with its recovery codes."""
    services.drop_totp(user_id=person(request))
    return 204, None


@router.post("/mfa/recovery-codes/", response=RecoveryCodesOut)
@requires(SIGNED_IN)
def renew_recovery_codes(request: HttpRequest) -> dict[str, list[str]]:
    """New recovery codes; the old ones are worthless."""
    codes = services.renew_recovery_codes(user_id=person(request))
    return {"recovery_codes": codes}
