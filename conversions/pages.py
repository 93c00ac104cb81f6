"""Where the front brings a request back to after it has waited; nobody else can come here."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from conversions.answers import answer_job, job_answer
from conversions.queries import find_job
from conversions.waiting import Pass, read_pass
from core import limits
from core.access import Principal, demand
from core.errors import AppError, NotFound
from core.problems import render
from core.tenancy import in_tenant
from tenants.auth import authenticate


def waited(request: HttpRequest, ticket: str) -> HttpResponseBase:
    """The answer that waiting was for. The caller is judged anew: a key may be revoked by now."""
    try:
        held = read_pass(ticket)
        caller = authenticate(request)
        if caller is None or caller.schema_name != held.schema_name:
            raise NotFound("There is nothing at this address.")
        demand(caller, held.permission)
        answer = answer_in_tenant(request, held)
    except AppError as error:
        return render(request, error)
    return with_limits(request, caller, answer)


def answer_in_tenant(request: HttpRequest, held: Pass) -> HttpResponseBase:
    """As the request would have been answered, had it waited in its thread."""
    with in_tenant(held.schema_name):
        job = find_job(held.job_id)
        if job is None:
            raise NotFound("There is no such job.")
        if held.is_new:
            return answer_job(request, job, waited=False, download=held.download)
        return job_answer(request, job)


def with_limits(
    request: HttpRequest, caller: Principal, answer: HttpResponseBase
) -> HttpResponseBase:
    """The RateLimit headers; the request was counted when it came."""
    usage = limits.count_request(request, caller, increment=False)
    if usage is not None and isinstance(answer, HttpResponse):
        limits.add_headers(answer, usage)
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer
