"""What a conversion would cost, take and need: nothing is stored, nothing charged."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import billing.queries as billing
import dispatch.queries as dispatch
from conversions import offer
from conversions.services.create_job import ConvertRequest, plan_route, refuse_formats
from conversions.services.detect_file import facts_of
from conversions.services.learn import expected_seconds, route_key
from conversions.services.receive_input import Source
from core.access import Principal
from inspection.naming import canonical_or_same


@dataclass(frozen=True, kw_only=True)
class Quote:
    """The answer of API.md `quote/`."""

    route: list[dict[str, Any]]
    units: int
    estimated_seconds: float
    queue: dict[str, Any]
    allowed: bool
    warnings: tuple[str, ...]
    reason: str | None = None  # the code that `convert/` would answer with

    def body(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def quote(*, caller: Principal, source: Source, wanted: ConvertRequest) -> Quote:
    """Raises UnsupportedConversion, ValidationFailed as `convert/` would."""
    target = canonical_or_same(wanted.output_format)
    plan = plan_route(
        source=source.format, target=target, options=wanted.options, engine=wanted.engine
    )
    refuse_formats(caller.allowed_formats, (source.format, plan.output_format))
    known = facts_of(source.file.path, source.format)
    edges = offer.route(source.format, target, wanted.engine)
    seconds = expected_seconds(route_key(plan.body()), source.file.size or 0, known)
    reason = refusal(caller, plan.units)
    return Quote(
        route=plan.body(),
        units=plan.units,
        estimated_seconds=seconds,
        queue={"name": plan.queue, "waiting": dispatch.depths().get(plan.queue, 0)},
        allowed=reason is None,
        reason=reason,
        warnings=(*source.warnings, *losses(edges)),
    )


def refusal(caller: Principal, units: int) -> str | None:
    """The code of the problem that stands against it."""
    if caller.is_test:
        return None
    usage = billing.usage(caller.tenant_id or "")
    over = usage.limit is not None and usage.used + usage.reserved + units > usage.limit
    return "quota_exceeded" if over else None


def losses(edges: tuple[Any, ...]) -> list[str]:
    """What does not survive, in plain words."""
    lost = dict.fromkeys(word for edge in edges for word in edge.route.loses)
    return [f"Does not survive: {', '.join(lost)}."] if lost else []
