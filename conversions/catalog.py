"""What is offered, as JSON."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from billing.queries import Usage
from conversions import offer, planner
from conversions.errors import UnsupportedConversion
from conversions.queries import stored_bytes
from conversions.services.create_job import no_route_text, plan_route
from core.env import env
from inspection.formats import FORMATS
from inspection.naming import canonical_or_same as canonical


@lru_cache(maxsize=1)
def offered() -> tuple[dict[str, Any], ...]:
    """Every format that some installed engine reads or writes."""
    written = {t for f in FORMATS for t in offer.targets(f.code)}
    return tuple(
        {
            "code": f.code,
            "name": f.name,
            "family": f.family,
            "extensions": list(f.extensions),
            "media_types": list(f.media_types),
            "inputs_to": list(offer.targets(f.code)),
        }
        for f in FORMATS
        if offer.targets(f.code) or f.code in written
    )


def format_list(*, source: str | None, target: str | None, family: str | None) -> dict[str, Any]:
    """The offered formats that pass the filters."""
    items = [
        item
        for item in offered()
        if (source is None or item["code"] == canonical(source))
        and (target is None or canonical(target) in item["inputs_to"])
        and (family is None or item["family"] == family)
    ]
    return {"items": items, "next": None, "previous": None, "missing_engines": offer.missing()}


def pair_body(source: str, target: str) -> dict[str, Any]:
    """Route, options, price of a pair. Raises UnsupportedConversion."""
    source, target = canonical(source), canonical(target)
    try:
        edges = offer.route(source, target)
    except planner.NoRoute as error:
        raise UnsupportedConversion(no_route_text(source, target, None)) from error
    planned = plan_route(source=source, target=target, options={}, engine=None)
    return {
        "route": planned.body(),
        "options_schema": planner.options_schema(edges),
        "units": planned.units,
        "verified": offer.verdict_on(edges),
        "limits": {"seconds": env().limits.job_s},
    }


def quota_body(usage: Usage, requests_per_hour: int | None) -> dict[str, Any]:
    """The quota of API.md; storage in bytes."""
    return {
        "plan": usage.plan_code,
        "period": {"start": usage.period_start, "end": usage.period_end},
        "conversions": {"used": usage.used, "reserved": usage.reserved, "limit": usage.limit},
        "storage": {"used": stored_bytes(), "limit": usage.storage_limit},
        "requests": {"limit": requests_per_hour},
    }
