"""From a tool and the formats of its files to engine steps, options validated."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from conversions import offer, planner
from conversions.engines import registry
from conversions.engines.spec import EngineSpec
from conversions.offer import Plan, PlannedStep
from conversions.tools.registry import TOOLS
from conversions.tools.spec import Tool
from inspection.formats import FORMATS
from inspection.naming import canonical_or_same, family_of

FILES_OUT = "files"  # the output format of an unpacked archive: each file has its own


class NotForThis(Exception):
    """The tool does not take this file; the text says what it takes."""


class WrongOptions(planner.BadOptions):
    """Options that the tool does not have, or with wrong values."""


def reads(spec: EngineSpec, code: str) -> bool:
    """Whether an operation takes a format."""
    return any(code in route.inputs for route in spec.routes)


@lru_cache(maxsize=64)
def operations_of(slug_operations: tuple[str, ...]) -> tuple[EngineSpec, ...]:
    """The installed ones of these operations."""
    specs = (registry.BY_ID[name] for name in slug_operations)
    return tuple(spec for spec in specs if registry.version(spec.id))


@lru_cache(maxsize=64)
def accepted(tool: Tool) -> tuple[str, ...]:
    """Formats that the tool takes here and now."""
    if tool.any_file:
        return ("*",)
    found = []
    for row in FORMATS:
        named = row.code in tool.formats or row.family in tool.families
        if (named or not (tool.formats or tool.families)) and _leads_on(tool, row.code):
            found.append(row.code)
    return tuple(found)


def _leads_on(tool: Tool, code: str) -> bool:
    if tool.operations:
        specs = operations_of(tool.operations)
        if not specs:
            return False
        if any(reads(spec, code) for spec in specs):
            return True
        return bool(_prepared(tool, code))
    return bool(targets_of(tool, code))


def _prepared(tool: Tool, code: str) -> tuple[PlannedStep, ...]:
    """The way of a format to what the tool's operation reads; empty when there is none."""
    if not tool.prepare:
        return ()
    if family_of(code) == "video" and tool.prepare == "png":
        spec = registry.BY_ID["media_frame"]
        if registry.version(spec.id) and reads(spec, code):
            return (PlannedStep(spec, code, "png", {}),)
    try:
        edges = offer.route(code, tool.prepare)
    except planner.NoRoute:
        return ()
    return tuple(_first_page(edge) for edge in edges) if tool.prepare == "png" else _plain(edges)


def _plain(edges: tuple[planner.Edge, ...]) -> tuple[PlannedStep, ...]:
    made = planner.split_options(edges, {})
    return tuple(
        PlannedStep(e.spec, e.source, e.target, o.model_dump(mode="json"))
        for e, o in zip(edges, made, strict=True)
    )


def _first_page(edge: planner.Edge) -> PlannedStep:
    """A thumbnail shows the first page: the others are not painted where that can be said."""
    has_range = "page_range" in planner.allowed_options(edge) and edge.target != "pdf"
    options = edge.spec.options.model_validate({"page_range": "1"} if has_range else {})
    return PlannedStep(edge.spec, edge.source, edge.target, options.model_dump(mode="json"))


def targets_of(tool: Tool, code: str) -> tuple[str, ...]:
    """What a conversion tool makes of a format, in the tool's order."""
    wanted = tool.targets or (code,)
    found = []
    for target in wanted:
        try:
            offer.route(code, target)
        except planner.NoRoute:
            continue
        found.append(target)
    return tuple(found)


def unavailable() -> dict[str, str]:
    """Slug → why a tool is not offered here."""
    return {tool.slug: _reason(tool) for tool in TOOLS if not accepted(tool)}


def _reason(tool: Tool) -> str:
    missing = [name for name in tool.operations if not registry.version(name)]
    if missing:
        names = ", ".join(registry.BY_ID[name].name for name in missing)
        return f"{names} is not installed here"
    return "no engine here does this conversion"


def plan(
    tool: Tool, formats: tuple[str, ...], options: Mapping[str, Any], *, has_password: bool
) -> Plan:
    """Steps for these files. Raises NotForThis, WrongOptions."""
    refuse_count(tool, len(formats))
    known = accepted(tool)
    for code in formats:
        if known != ("*",) and code not in known:
            text = (
                f"{tool.name} does not take {code}; it takes {', '.join(known) or 'nothing here'}."
            )
            raise NotForThis(text)
    own = dict(options)
    refuse_missing(tool, own, has_password=has_password)
    target = own.pop("output_format", None)
    target = canonical_or_same(str(target)) if target else None
    try:
        if tool.operations:
            return _operate(tool, formats, own, target)
        return _convert(tool, formats, own, target)
    except planner.BadOptions as error:
        raise WrongOptions(error.problems) from error


def refuse_count(tool: Tool, count: int) -> None:
    """Too few or too many files."""
    if not tool.least <= count <= tool.most:
        span = f"{tool.least}–{tool.most} files" if tool.most > 1 else "one file"
        raise NotForThis(f"{tool.name} takes {span}; {count} came.")


def refuse_missing(tool: Tool, options: Mapping[str, Any], *, has_password: bool) -> None:
    """Options without which the tool has nothing to do."""
    given = {name for name, value in options.items() if value not in (None, "")}
    given |= {"password"} if has_password else set()
    if tool.needs and not given & set(tool.needs):
        words = " or ".join(tool.needs)
        raise WrongOptions([(tool.needs[0], f"{tool.name} needs {words}")])


def _pick(tool: Tool, target: str | None, possible: tuple[str, ...]) -> str:
    if target is None:
        return possible[0]
    if target not in possible:
        raise planner.BadOptions([("output_format", f"one of {', '.join(possible)}")])
    return target


def _convert(
    tool: Tool, formats: tuple[str, ...], options: dict[str, Any], target: str | None
) -> Plan:
    several = len(formats) > 1
    steps: list[PlannedStep] = []
    chosen = _pick(tool, target, targets_of(tool, formats[0]))
    for number, code in enumerate(formats):
        edges = offer.route(code, chosen)
        known = set().union(*(planner.allowed_options(edge) for edge in edges))
        mine = {k: v for k, v in options.items() if k in known} if number else options
        parts = planner.split_options(edges, mine)
        steps += [
            PlannedStep(
                e.spec, e.source, e.target, o.model_dump(mode="json"), number if several else None
            )
            for e, o in zip(edges, parts, strict=True)
        ]
    if several and tool.join:
        spec = registry.BY_ID[tool.join]
        steps.append(PlannedStep(spec, chosen, chosen, spec.options().model_dump(mode="json")))
    return Plan(tuple(steps), chosen)


def _operate(
    tool: Tool, formats: tuple[str, ...], options: dict[str, Any], target: str | None
) -> Plan:
    specs = operations_of(tool.operations)
    several = len(formats) > 1
    steps: list[PlannedStep] = []
    codes = []
    for number, code in enumerate(formats):
        if tool.any_file or any(reads(spec, code) for spec in specs):
            codes.append(code)
            continue
        part = number if several else None
        steps += [step.of_part(part) for step in _prepared(tool, code)]
        codes.append(steps[-1].target)
    source = codes[0]
    spec = specs[0] if tool.any_file else next(s for s in specs if reads(s, source))
    chosen = _pick(tool, target, tool.targets or (source,)) if target else _default(tool, source)
    if spec.id == "archive_extract":
        chosen = FILES_OUT
    steps.append(PlannedStep(spec, source, chosen, validated(spec, options)))
    return Plan(tuple(steps), chosen)


def _default(tool: Tool, source: str) -> str:
    """edit-image keeps a format that it can write; thumbnails are JPG unless asked otherwise."""
    if not tool.targets or (tool.prepare and tool.slug != "thumbnail" and source in tool.targets):
        return source
    return tool.targets[0]


def validated(spec: EngineSpec, options: dict[str, Any]) -> dict[str, Any]:
    """An operation's options. Raises BadOptions."""
    try:
        return spec.options.model_validate(options).model_dump(mode="json")
    except ValidationError as error:
        problems = [(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
        raise planner.BadOptions(problems) from error


@lru_cache(maxsize=64)
def options_schema(tool: Tool) -> dict[str, Any]:
    """The JSON schema of a tool's options, from what does the work."""
    properties: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    for schema in _schemas(tool):
        definitions |= schema.get("$defs", {})
        properties = {**schema.get("properties", {}), **properties}
    if len(tool.targets) > 1:
        default = {} if tool.needs or tool.prepare == "png" else {"default": tool.targets[0]}
        words = {"type": "string", "description": "Format of the result."}
        properties["output_format"] = {**words, "enum": list(_all_targets(tool)), **default}
    if tool.secret:
        lock: dict[str, Any] = {"minLength": 1, "maxLength": 500, "writeOnly": True}
        told = "The password; never shown again."
        properties["password"] = {"type": "string", "description": told, **lock}
    body: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if len(tool.needs) == 1:
        body["required"] = list(tool.needs)
    elif tool.needs:
        body["anyOf"] = [{"required": [name]} for name in tool.needs]
    return body | ({"$defs": definitions} if definitions else {})


def _all_targets(tool: Tool) -> tuple[str, ...]:
    if tool.operations:
        return tool.targets
    made = {target for code in accepted(tool) for target in targets_of(tool, code)}
    return tuple(target for target in tool.targets if target in made)


def _schemas(tool: Tool) -> list[dict[str, Any]]:
    if tool.operations:
        return [spec.options.model_json_schema() for spec in operations_of(tool.operations)]
    return [
        planner.options_schema(offer.route(code, target))
        for code in accepted(tool)[:12]
        for target in targets_of(tool, code)[:4]
    ]


def body_of(tool: Tool) -> dict[str, Any]:
    """A tool as API.md lists it."""
    return {
        "slug": tool.slug,
        "name": tool.name,
        "category": str(tool.category),
        "description": tool.about,
        "inputs": {
            "formats": list(accepted(tool)),
            "min_files": tool.least,
            "max_files": tool.most,
        },
        "options_schema": options_schema(tool),
    }
