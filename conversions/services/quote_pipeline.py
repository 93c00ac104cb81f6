"""What a whole pipeline would cost and take; nothing is stored, nothing charged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conversions.graphs.spec import StepSpec
from conversions.offer import Plan
from conversions.services.check_graph import Checked, check_graph
from conversions.services.learn import expected_seconds, route_key
from conversions.services.quote import refusal
from conversions.services.receive_input import Source
from conversions.services.start_pipeline import flows_of, units_of
from core.access import Principal


def quote_pipeline(
    *,
    caller: Principal,
    steps: Mapping[str, StepSpec],
    imported: Mapping[str, tuple[Source, ...]],
) -> dict[str, Any]:
    """Units and seconds of each step and of all. Not ``exact``: the run tells how many."""
    checked = check_graph(steps, flows_of(imported))
    size = max((s.file.size or 0 for sources in imported.values() for s in sources), default=0)
    told = {name: step_quote(one, size) for name, one in checked.items()}
    units = units_of(checked)
    reason = refusal(caller, units)
    warnings = [text for sources in imported.values() for s in sources for text in s.warnings]
    return {
        "steps": told,
        "units": units,
        "exact": all(step["exact"] for step in told.values()),
        "estimated_seconds": round(longest(steps, told), 3),
        "allowed": reason is None,
        "reason": reason,
        "warnings": warnings,
    }


def step_quote(one: Checked, size: int) -> dict[str, Any]:
    """One step: the route of its first job, the price of those that are known."""
    first = one.plans[0] if one.plans else None
    is_known = not one.takes.many and len(one.takes.known) == len(one.takes.formats)
    return {
        "operation": one.step.operation,
        "jobs": len(one.plans),
        "route": first.body() if first else [],
        "units": sum(plan.units for plan in one.plans),
        "exact": is_known,
        "estimated_seconds": round(sum(seconds_of(plan, size) for plan in one.plans), 3),
    }


def seconds_of(plan: Plan, size: int) -> float:
    """What jobs of this route teach, else the matrix, else what its engines say of themselves."""
    otherwise = sum(step.spec.seconds for step in plan.steps)
    return expected_seconds(route_key(plan.body()), size, {}, otherwise)


def longest(steps: Mapping[str, StepSpec], told: Mapping[str, dict[str, Any]]) -> float:
    """Seconds on the slowest way through the graph: its branches run side by side."""
    ends: dict[str, float] = {}
    for name, step in steps.items():
        before = max((ends[source] for source in step.input), default=0.0)
        ends[name] = before + float(told[name]["estimated_seconds"])
    return max(ends.values(), default=0.0)
