"""`/conversions/jobs/{id}/download-url/` and the addresses that it gives."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from ninja import Router

from conversions.api import existing
from conversions.results.asking import make_link, open_link
from conversions.results.schemas import LinkIn, LinkOut
from core.access import ANYONE, principal_of, requires

router = Router(tags=["Results"])


@router.post("/jobs/{job_id}/download-url/", response=LinkOut)
@requires("conversions:write")
def download_url(request: HttpRequest, job_id: str, body: LinkIn) -> dict[str, Any]:
    """An address of a result that works without credentials until its end."""
    return make_link(existing(job_id), body, principal_of(request).tenant_slug or "")


@router.get("/downloads/{token}/", auth=None)
@requires(ANYONE)
def open_download(request: HttpRequest, token: str) -> HttpResponseBase:
    """The result behind a signed address. Range and ETag as with credentials."""
    return open_link(request, token)
