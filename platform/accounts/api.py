"""`/auth/`: what concerns the person alone. What needs tenants is in ``tenants.doors``."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from ninja import Query, Router

from accounts import queries, services
from accounts.answers import export_body, portrait
from accounts.asking import picture_of
from accounts.schemas import (
    AddressIn,
    CodeIn,
    ExportOut,
    LoginSessionListOut,
    PasswordChangeIn,
    PasswordIn,
    ProfileIn,
    RecoveryCodesOut,
    RefreshIn,
    ResendIn,
    ResetIn,
    TokenIn,
    TokensOut,
    TotpOut,
    UserOut,
    WsTicketOut,
)
from accounts.terms import WS_TICKET_S, Origin
from audit.queries import activity_body, activity_of, narrowed
from audit.schemas import ActivityListOut, TrailPageQuery
from core.access import ANYONE, SIGNED_IN, Principal, principal_of, requires
from core.attempts import attempt, spend_or_refuse
from core.downloads import send_file
from core.errors import AuthenticationRequired, PermissionDenied, invalid
from core.pagination import PageQuery, page_body, paginate

router = Router(tags=["Auth"])
ASKED_AN_HOUR = 60  # mails asked for from one address
PICTURE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
            "image/png": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


def person(request: HttpRequest) -> str:
    """The id of a signed-in person; a key can't change what is theirs."""
    return caller(request).user_id or ""


def caller(request: HttpRequest) -> Principal:
    """A signed-in person. Raises PermissionDenied for a key."""
    principal = principal_of(request)
    if principal.api_key_id or not principal.user_id:
        raise PermissionDenied("Log in as a person: an API key can't do this.")
    return principal


def count_asking(request: HttpRequest, kind: str) -> None:
    """Raise TooManyAttempts when one address asks for too many mails."""
    address = Origin.of(request.META).address
    spend_or_refuse(f"asked:{kind}", address, most=ASKED_AN_HOUR, window_s=3600)


@router.post("/verify-email/", response=UserOut, auth=None)
@requires(ANYONE)
def verify_email(request: HttpRequest, payload: TokenIn) -> dict[str, Any]:
    """Prove the address with the token of the mail."""
    return queries.user_body(services.verify_email(token=payload.token))


@router.post("/verify-email/resend/", response={202: None}, auth=None)
@requires(ANYONE)
def resend_verification(request: HttpRequest, payload: ResendIn) -> tuple[int, None]:
    """Send the mail again. The answer is the same whether the address is known or not."""
    email = payload.email
    if email is None:
        user = queries.active_user(person(request))
        email = user.email if user else ""
    count_asking(request, "verify")
    services.ask_verification(email=email)
    return 202, None


@router.post("/password/reset/", response={202: None}, auth=None)
@requires(ANYONE)
def ask_reset(request: HttpRequest, payload: AddressIn) -> tuple[int, None]:
    """Mail a link. The answer is the same whether the address is known or not."""
    count_asking(request, "reset")
    services.ask_reset(email=payload.email)
    return 202, None


@router.post("/password/reset/confirm/", response={204: None}, auth=None)
@requires(ANYONE)
def reset_password(request: HttpRequest, payload: ResetIn) -> tuple[int, None]:
    """Set a password by the link of the mail; every session ends."""
    services.reset_password(token=payload.token, password=payload.password)
    return 204, None


@router.post("/password/change/", response={204: None})
@requires(SIGNED_IN)
def change_password(request: HttpRequest, payload: PasswordChangeIn) -> tuple[int, None]:
    """Set a password by the old one; every other session ends."""
    who = caller(request)
    with attempt(account=who.user_id or "", address=Origin.of(request.META).address):
        services.change_password(
            user_id=who.user_id or "",
            current_password=payload.current_password,
            password=payload.password,
            session_id=who.session_id,
        )
    return 204, None


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


@router.get("/sessions/", response=LoginSessionListOut)
@requires(SIGNED_IN)
def list_sessions(request: HttpRequest, query: Query[PageQuery]) -> dict[str, Any]:
    """Where one is logged in, newest first."""
    who = caller(request)
    page = paginate(queries.sessions_of(who.user_id or ""), query)
    return page_body(page, [queries.session_body(row, who.session_id) for row in page.items])


@router.delete("/sessions/{session_id}/", response={204: None})
@requires(SIGNED_IN)
def end_session(request: HttpRequest, session_id: str) -> tuple[int, None]:
    """Log out somewhere else; its tokens stop at once."""
    services.end_own_session(user_id=person(request), session_id=session_id)
    return 204, None


@router.get("/me/", response=UserOut)
@requires(SIGNED_IN)
def me(request: HttpRequest) -> dict[str, Any]:
    """The person behind the credentials (a key's maker)."""
    user = queries.active_user(principal_of(request).user_id or "")
    if user is None:
        raise AuthenticationRequired
    return queries.user_body(user)


@router.patch("/me/", response=UserOut)
@requires(SIGNED_IN)
def change_me(request: HttpRequest, payload: ProfileIn) -> dict[str, Any]:
    """Change the profile; a new address counts once its link is opened."""
    changes = payload.model_dump(exclude_unset=True, exclude_none=True)
    return queries.user_body(services.update_profile(user_id=person(request), changes=changes))


@router.delete("/me/", response={204: None})
@requires(SIGNED_IN)
def erase_me(request: HttpRequest, payload: PasswordIn) -> tuple[int, None]:
    """Erase the account. 409 names the tenants that have no other owner."""
    user_id = person(request)
    with attempt(account=user_id, address=Origin.of(request.META).address):
        services.erase_account(user_id=user_id, password=payload.password)
    return 204, None


@router.put("/me/avatar/", response=UserOut, openapi_extra=PICTURE_BODY)
@requires(SIGNED_IN)
def put_avatar(request: HttpRequest) -> dict[str, Any]:
    """A picture (PNG, JPEG, WebP, GIF; 10 MB): drawn anew, square, without metadata."""
    user_id = person(request)
    with picture_of(request) as picture:
        return queries.user_body(services.put_avatar(user_id=user_id, source=picture.path))


@router.delete("/me/avatar/", response={204: None})
@requires(SIGNED_IN)
def drop_avatar(request: HttpRequest) -> tuple[int, None]:
    """Remove the picture."""
    services.drop_avatar(user_id=person(request))
    return 204, None


@router.get("/avatars/{avatar}/{size}/", auth=None)
@requires(ANYONE)
def get_avatar(request: HttpRequest, avatar: str, size: int) -> HttpResponseBase:
    """A picture, as WebP; its address can't be guessed and never changes what it shows."""
    return portrait(request, avatar, size)


@router.get("/me/activity/", response=ActivityListOut)
@requires(SIGNED_IN)
def my_activity(request: HttpRequest, query: Query[TrailPageQuery]) -> dict[str, Any]:
    """What one did, in every tenant, newest first."""
    rows = narrowed(activity_of(person(request)), "user_id", query.dict())
    page = paginate(rows, query)
    return page_body(page, [activity_body(row) for row in page.items])


@router.get("/me/export/", response={200: ExportOut, 202: ExportOut})
@requires(SIGNED_IN)
def get_export(request: HttpRequest) -> tuple[int, dict[str, Any]]:
    """Everything held about oneself: 202 while it is made (this starts it), then 200."""
    return export_body(services.start_export(user_id=person(request), anew=False))


@router.post("/me/export/", response={200: ExportOut, 202: ExportOut})
@requires(SIGNED_IN)
def renew_export(request: HttpRequest) -> tuple[int, dict[str, Any]]:
    """A fresh export, whatever is there."""
    user_id = person(request)
    spend_or_refuse("export", user_id, most=5, window_s=3600)
    return export_body(services.start_export(user_id=user_id, anew=True))


@router.get("/me/export/download/", auth=None)
@requires(ANYONE)
def download_export(request: HttpRequest, token: str) -> HttpResponseBase:
    """The archive; the token is the permission."""
    if len(token) > 1000:
        raise invalid("token", "This link is not valid any more. Ask for a new one.")
    key, export_id = services.export_to_fetch(token=token)
    return send_file(
        request,
        key=key,
        filename="filemill-export.zip",
        media_type="application/zip",
        etag=export_id,
    )


@router.post("/mfa/totp/", response={201: TotpOut})
@requires(SIGNED_IN)
def offer_totp(request: HttpRequest) -> tuple[int, services.TotpOffer]:
    """A secret for an authenticator app; in force once confirmed."""
    return 201, services.offer_totp(user_id=person(request))


@router.post("/mfa/totp/confirm/", response=RecoveryCodesOut)
@requires(SIGNED_IN)
def confirm_totp(request: HttpRequest, payload: CodeIn) -> dict[str, list[str]]:
    """Put the secret in force; answers the recovery codes, this once."""
    who = caller(request)
    codes = services.confirm_totp(
        user_id=who.user_id or "", code=payload.code, session_id=who.session_id
    )
    return {"recovery_codes": codes}


@router.delete("/mfa/totp/", response={204: None})
@requires(SIGNED_IN)
def drop_totp(request: HttpRequest) -> tuple[int, None]:
    """Remove the second factor with its recovery codes, from a login that proved it."""
    who = caller(request)
    services.drop_totp(user_id=who.user_id or "", has_mfa=who.has_mfa)
    return 204, None


@router.post("/mfa/recovery-codes/", response=RecoveryCodesOut)
@requires(SIGNED_IN)
def renew_recovery_codes(request: HttpRequest) -> dict[str, list[str]]:
    """New recovery codes; the old ones are worthless."""
    who = caller(request)
    codes = services.renew_recovery_codes(user_id=who.user_id or "", has_mfa=who.has_mfa)
    return {"recovery_codes": codes}


@router.post("/ws-ticket/", response={201: WsTicketOut})
@requires(SIGNED_IN)
def ws_ticket(request: HttpRequest) -> tuple[int, dict[str, Any]]:
    """A ticket for one WebSocket, good for a minute and once."""
    who = caller(request)
    socket = services.SocketCaller(
        who.user_id or "", who.session_id, who.tenant_slug, who.schema_name
    )
    ticket = services.issue_ws_ticket(caller=socket)
    return 201, {"ticket": ticket, "expires_in": WS_TICKET_S}
