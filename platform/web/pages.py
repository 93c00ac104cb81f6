"""The public pages that the API needs: home, the meaning of a problem, the link of a mail."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import services as accounts
from conversions import catalog
from conversions.terms import JOB_ERRORS
from core.env import env
from core.errors import AppError, NotFound, every_error
from core.problems import from_unexpected, render_unexpected
from core.problems import render as render_problem


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What this is, and where to go next."""
    formats = catalog.offered()
    families: dict[str, list[str]] = {}
    for item in formats:
        if item["inputs_to"]:
            families.setdefault(item["family"], []).append(item["code"])
    return render(
        request,
        "web/home.html",
        {
            "families": families,
            "base_url": env().site.public_url,
            "pairs": sum(len(item["inputs_to"]) for item in formats),
        },
    )


@require_safe
def problem(request: HttpRequest, code: str) -> HttpResponse:
    """What a problem's code means."""
    error = every_error().get(code)
    if error is not None:
        facts = {"title": error.title(), "status": error.status, "retryable": error.retryable}
    elif code in JOB_ERRORS:
        title, status = JOB_ERRORS[code]
        facts = {"title": title, "status": status, "retryable": False}
    else:
        return not_found(request, None)
    return render(request, "web/problem.html", {"code": code, **facts})


@require_safe
def verify_email(request: HttpRequest) -> HttpResponse:
    """The link of the verification mail."""
    try:
        user = accounts.verify_email(token=request.GET.get("token", ""))
    except AppError as error:
        words = {"title": "This link is not valid any more", "text": error.detail}
        return render(request, "web/message.html", words, status=error.status)
    words = {"title": "Your address is confirmed", "text": f"{user.email} may now make API keys."}
    return render(request, "web/message.html", words)


def not_found(request: HttpRequest, exception: Exception | None) -> HttpResponse:
    """404, as a page or as a problem."""
    if request.path_info.startswith("/api/"):
        return render_problem(request, NotFound())
    words = {"title": "Nothing is here", "text": "Check the address, or start from the home page."}
    return render(request, "web/message.html", words, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """A fault of a middleware or a page, without a trace: 503 where the database is away, else 500.

    Django calls this while it handles the exception, and does not pass it.
    """
    fault = sys.exception() or AppError()
    if request.path_info.startswith("/api/"):
        return render_unexpected(request, fault)
    words = {"title": "Something went wrong on our side", "text": "Try again in a minute."}
    return render(request, "web/message.html", words, status=from_unexpected(fault).status)
