"""The pages that links of mails and sign-in providers lead to. The dashboard's own come later."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import services as accounts
from accounts.auth import start_browser_session
from accounts.terms import Origin
from core.errors import AppError, AuthenticationRequired
from tenants import services as tenants

FORM = "web/account_form.html"
RESET = {
    "title": "Set a new password",
    "text": "At least 10 characters. A few unrelated words make a good one.",
    "hidden": "token",
    "field": "password",
    "kind": "password",
    "label": "New password",
    "complete": "new-password",
    "action": "Set the password",
}
SECOND_FACTOR = {
    "title": "Second factor",
    "text": "Type the code of your authenticator app, or a recovery code.",
    "hidden": "ticket",
    "field": "otp",
    "kind": "text",
    "label": "Code",
    "complete": "one-time-code",
    "action": "Log in",
}
INVITATION = {
    "title": "You are invited",
    "text": "Type the password of your account, or choose one for a new account.",
    "hidden": "token",
    "field": "password",
    "kind": "password",
    "label": "Password",
    "complete": "current-password",
    "action": "Join",
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accept_invitation(request: HttpRequest) -> HttpResponse:
    """The link of an invitation. Opening it does nothing yet: mail scanners open links too."""

    def act(token: str, password: str) -> HttpResponse:
        try:
            member = tenants.accept_invitation(
                token=token, user_id=None, newcomer={"password": password}
            )
        except AuthenticationRequired:
            address = tenants.invited_address(token=token)
            origin = Origin.of(request.META)
            proof = accounts.log_in(username=address, password=password, otp=None, origin=origin)
            member = tenants.accept_invitation(token=token, user_id=proof.user.id)
        words = {
            "title": f"You have joined {member.tenant.name}",
            "text": f"Your role there is {member.role.name}. Log in as {member.user.email}.",
        }
        return render(request, "web/message.html", words)

    return form(request, INVITATION, act)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def reset_password(request: HttpRequest) -> HttpResponse:
    """The link of the reset mail. Opening it does nothing yet: mail scanners open links too."""

    def act(token: str, password: str) -> HttpResponse:
        accounts.reset_password(token=token, password=password)
        words = {"title": "Your password is set", "text": "Every other session has ended."}
        return render(request, "web/message.html", words)

    return form(request, RESET, act)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """The last step of a sign-in by a provider, for those who have a second factor."""

    def act(ticket: str, otp: str) -> HttpResponse:
        origin = Origin.of(request.META)
        proof = accounts.finish_arrival(ticket=ticket, otp=otp, origin=origin)
        start_browser_session(request, proof)
        return HttpResponseRedirect("/")

    return form(request, SECOND_FACTOR, act)


def form(
    request: HttpRequest, words: dict[str, str], act: Callable[[str, str], HttpResponse]
) -> HttpResponse:
    """Show one field, or act on what was sent; a refusal is told beside the field."""
    sent = request.POST if request.method == "POST" else request.GET
    secret = sent.get(words["hidden"], "")[:1000]
    if request.method != "POST":
        return render(request, FORM, {**words, "secret": secret})
    try:
        return act(secret, request.POST.get(words["field"], "")[:1024])
    except AppError as error:
        told = {**words, "secret": secret, "error": error.detail}
        return render(request, FORM, told, status=error.status)
