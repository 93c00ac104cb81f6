"""Make a signed address of a result; open one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from conversions.answers import download_answer
from conversions.errors import JobNotReady
from conversions.groups import conversions_url
from conversions.models import Job
from conversions.queries import find_job
from conversions.results.schemas import LinkIn
from conversions.services.take_result import new_once_link, use_once_link
from conversions.signing import BadLink, Link, read, sign
from conversions.terms import Status
from core.errors import Expired, NotFound, TenantSuspended
from core.tenancy import in_tenant
from tenants.queries import profile_by_slug


def make_link(job: Job, asked: LinkIn, tenant_slug: str) -> dict[str, Any]:
    """The address. Raises JobNotReady, Expired, NotFound."""
    if job.status == Status.EXPIRED:
        raise Expired("The result was deleted when its time was over. Convert again.")
    if job.status != Status.COMPLETED:
        raise JobNotReady(f"The job is {job.status}.")
    if asked.output >= len(job.outputs):
        raise NotFound(f"This job has {len(job.outputs)} outputs.")
    ends_at = timezone.now() + timedelta(seconds=asked.expires_in_seconds)
    once_id = new_once_link(job_id=job.id) if asked.once else ""
    second = int(ends_at.timestamp())
    text = sign(Link(tenant_slug, job.id, asked.output, second, once_id))
    return {
        "url": f"{conversions_url()}downloads/{text}/",
        "expires_at": datetime.fromtimestamp(second, UTC),
        "once": asked.once,
    }


def open_link(request: HttpRequest, text: str) -> HttpResponseBase:
    """The result behind an address. Raises NotFound, Expired."""
    try:
        link = read(text)
    except BadLink as error:
        raise NotFound("There is nothing at this address.") from error
    if link.ends_at <= timezone.now().timestamp():
        raise Expired("This address worked until its end. Ask for a new one.")
    tenant = profile_by_slug(link.tenant)
    if tenant is None:
        raise NotFound("There is nothing at this address.")
    if tenant.is_suspended:
        raise TenantSuspended("This tenant is suspended.")
    with in_tenant(tenant.schema_name):
        job = find_job(link.job_id)
        if job is None:
            raise NotFound("The job was deleted, and its files with it.")
        answer = download_answer(request, job, link.output)
        if link.once_id and answer.status_code in (200, 206):
            use_once_link(link_id=link.once_id)
        return answer
