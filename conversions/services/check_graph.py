"""What flows through a graph: formats, plans and price of each step, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from conversions import offer, planner
from conversions.errors import UnsupportedConversion
from conversions.graphs.spec import FAN_OUT, BadGraph, StepSpec
from conversions.offer import Plan
from conversions.services.create_job import plan_route
from conversions.tools.planning import FILES_OUT, NotForThis, plan
from conversions.tools.registry import BY_SLUG
from conversions.tools.spec import Tool
from core.errors import AppError, FieldProblem, ValidationFailed
from inspection.formats import FORMATS
from inspection.naming import family_of

PICTURES = ("image", "vector")


@dataclass(frozen=True)
class Flow:
    """The files that leave a step. ``None``: of a format that only the run will tell."""

    formats: tuple[str | None, ...]
    many: bool = False  # there may be more than these; the run will tell

    @property
    def known(self) -> tuple[str, ...]:
        """The formats that are known."""
        return tuple(code for code in self.formats if code is not None)


@dataclass(frozen=True)
class Checked:
    """A step, the files it gives, and the plan of each of its jobs as far as they are known."""

    step: StepSpec
    takes: Flow
    gives: Flow
    plans: tuple[Plan, ...] = ()


def graph_problem(error: BadGraph) -> ValidationFailed:
    """A bad graph as the answer names it."""
    faults = [FieldProblem(f.field, f.code, f.message) for f in error.faults]
    return ValidationFailed(f"{error}", errors=faults)


def check_graph(steps: Mapping[str, StepSpec], imported: Mapping[str, Flow]) -> dict[str, Checked]:
    """Every step with what it takes and gives. Raises the step's own refusal, naming the step."""
    done: dict[str, Checked] = {}
    for name, step in steps.items():
        if step.is_import:
            done[name] = Checked(step, Flow(()), imported[name])
            continue
        flows = [done[source].gives for source in step.input]
        takes = Flow(
            tuple(code for flow in flows for code in flow.formats), any(f.many for f in flows)
        )
        try:
            done[name] = check_step(step, takes)
        except AppError as error:
            raise named(error, name) from error
    return done


def named(error: AppError, name: str) -> AppError:
    """The same refusal, naming the step."""
    errors = [replace(item, field=f"steps.{name}.{item.field}") for item in error.errors] or [
        FieldProblem(f"steps.{name}", error.code, error.detail)
    ]
    return type(error)(f"Step {name}: {error.detail}", errors=errors)


def check_step(step: StepSpec, takes: Flow) -> Checked:
    """Plans of one step. Raises UnsupportedConversion, ValidationFailed."""
    if step.is_export:
        return Checked(step, takes, Flow(()))
    if step.slug:
        return check_tool(step, BY_SLUG[step.slug], takes)
    plans = tuple(plan_step(step, (code,)) for code in takes.known)
    if not plans:
        refuse_unwritten(step.output_format)
    spread = step.output_format and any(map_spreads(c, step.output_format) for c in takes.formats)
    gives = Flow((step.output_format,) * len(takes.formats), takes.many or bool(spread))
    return Checked(step, takes, gives, plans)


def check_tool(step: StepSpec, tool: Tool, takes: Flow) -> Checked:
    """A tool over all files, or over each."""
    many = takes.many or step.slug in FAN_OUT
    if tool.most > 1:
        if len(takes.known) < len(takes.formats):
            return Checked(step, takes, Flow((step.output_format or None,), step.slug in FAN_OUT))
        enough = takes.known
        if takes.many and len(enough) < tool.least:
            enough = (*enough, *enough[:1] * (tool.least - len(enough)))
        made = plan_step(step, enough)
        return Checked(step, takes, Flow((code_of(made),), step.slug in FAN_OUT), (made,))
    plans = {code: plan_step(step, (code,)) for code in takes.known}
    out = tuple(code_of(plans[code]) if code else None for code in takes.formats)
    spread = any(map_spreads(a, b) for a, b in zip(takes.formats, out, strict=True))
    ordered = tuple(plans[code] for code in takes.known)
    return Checked(step, takes, Flow(out, many or spread), ordered)


def code_of(made: Plan) -> str | None:
    """The format of a plan's results; None where each file has its own."""
    return None if made.output_format == FILES_OUT else made.output_format


def map_spreads(source: str | None, target: str | None) -> bool:
    """Whether one file may become several: pages become pictures."""
    if source is None or target is None:
        return False
    return family_of(target) in PICTURES and family_of(source) not in PICTURES


def refuse_unwritten(target: str) -> None:
    """Raise UnsupportedConversion for a format that nothing writes."""
    if not any(target in offer.targets(row.code) for row in FORMATS):
        raise UnsupportedConversion(f"Nothing here writes {target}.")


def plan_step(step: StepSpec, formats: tuple[str, ...]) -> Plan:
    """The plan of one job of a step. Raises UnsupportedConversion, ValidationFailed."""
    if step.slug:
        return plan_tool(
            BY_SLUG[step.slug], formats, tool_options(step), has_password=bool(step.password)
        )
    return plan_route(
        source=formats[0], target=step.output_format, options=step.options, engine=step.engine
    )


def tool_options(step: StepSpec) -> dict[str, Any]:
    """A tool's options, with the format of the result among them."""
    wanted = {"output_format": step.output_format} if step.output_format else {}
    return {**step.options, **wanted}


def plan_tool(
    tool: Tool, formats: tuple[str, ...], options: dict[str, Any], *, has_password: bool
) -> Plan:
    """Steps of a tool. Raises UnsupportedConversion, ValidationFailed naming each wrong option."""
    try:
        return plan(tool, formats, options, has_password=has_password)
    except NotForThis as error:
        raise UnsupportedConversion(str(error)) from error
    except planner.BadOptions as error:
        raise ValidationFailed(
            f"Wrong options: {error}.",
            errors=[FieldProblem(f"options.{n}", "invalid", why) for n, why in error.problems],
        ) from error
