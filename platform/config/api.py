"""The API: every router, mounted once, with one renderer of errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.renderers import BaseRenderer

from accounts.api import router as accounts
from audit.api import router as audit
from billing.api import router as billing
from conversions.analytics.api import router as analytics
from conversions.api import aliases as conversion_aliases
from conversions.api import router as conversions
from conversions.api import tools
from conversions.batches.api import router as batches
from conversions.pipelines.api import router as pipelines
from conversions.results.api import router as results
from core import problems
from core.access import Caller
from notifications.api import router as notifications
from staff.api import router as staff
from tenants.api import router as tenants
from tenants.doors import router as doors
from tenants.team import invitations
from tenants.team import router as team
from tenants.tenant import router as tenant
from webhooks.api import router as webhooks


class FastRenderer(BaseRenderer):
    """orjson: three to five times the standard library's speed."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        """JSON in UTC with a Z."""
        return orjson.dumps(data, option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC, default=plain)


def plain(value: Any) -> Any:
    """What orjson does not know."""
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


api = NinjaAPI(
    title="Filemill",
    version="1",
    auth=Caller(),
    renderer=FastRenderer(),
    docs_url=None,
    openapi_url=None,
    urls_namespace="api",
    description="Convert files, with the result checked against its source.",
)
problems.install(api)
# Django tries addresses in this order: what is read most comes first.
for part in (conversions, batches, pipelines, results, analytics):
    api.add_router("/conversions/", part)
api.add_router("/auth/", doors)
api.add_router("/auth/", tenants)
api.add_router("/auth/", accounts)
api.add_router("/tenant/", tenant)
api.add_router("/tenant/", team)
api.add_router("/invitations/", invitations)
api.add_router("/staff/", staff)
api.add_router("/tenant/", audit)
api.add_router("/tools/", tools)
api.add_router("/billing/", billing)
api.add_router("/webhooks/", webhooks)
api.add_router("/notifications/", notifications)

# Addresses of the first wish: the same answers, outside of the contract's version.
wish = NinjaAPI(
    title="Filemill: first addresses",
    version="0",
    auth=Caller(),
    renderer=FastRenderer(),
    docs_url=None,
    openapi_url=None,
    urls_namespace="wish",
)
problems.install(wish)
wish.add_router("/", conversion_aliases)
