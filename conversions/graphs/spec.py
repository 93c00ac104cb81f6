"""From what a caller wrote to a graph of steps: every fault is found before anything runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from conversions.tools.planning import unavailable
from conversions.tools.registry import BY_SLUG
from inspection.naming import canonical_or_same

MOST_STEPS = 50
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$")
IMPORTS = ("import/upload", "import/url")
EXPORTS = ("export/archive",)
OF_THE_LIBRARY = ("import/asset", "export/library")
OPERATIONS = (*IMPORTS, *OF_THE_LIBRARY, "convert", "tool/<slug>", *EXPORTS)
ON_ERROR = ("fail", "continue")
# What a step says of itself; every other word in it is taken for an option.
WORDS = {
    *("operation", "input", "on_error", "output_format", "engine", "options", "password", "force"),
    *("url", "filename", "content_base64", "number"),
}
# Tools that give several files from one; how many is known only afterwards.
FAN_OUT = frozenset({"split-pdf", "pdf-to-images", "extract-archive"})


@dataclass(frozen=True)
class Fault:
    """What is wrong with one step, in the words of ``core.errors.FieldProblem``."""

    field: str
    code: str
    message: str


class BadGraph(Exception):
    """Steps that can't be run; ``faults`` name each."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True, kw_only=True)
class StepSpec:
    """One step as it was asked for."""

    name: str
    operation: str
    input: tuple[str, ...] = ()
    on_error: str = "fail"
    output_format: str = ""
    engine: str | None = None
    options: dict[str, Any]
    password: str = ""
    force: bool = False
    url: str = ""
    filename: str = ""
    content_base64: str | None = None

    @property
    def is_import(self) -> bool:
        """It brings files in."""
        return self.operation in IMPORTS

    @property
    def is_export(self) -> bool:
        """It hands files out; nothing comes after it."""
        return self.operation in EXPORTS

    @property
    def slug(self) -> str:
        """Of a tool; else empty."""
        return self.operation.removeprefix("tool/") if self.operation.startswith("tool/") else ""

    def stored(self, number: int) -> dict[str, Any]:
        """What a preset keeps: no files, no secrets. ``number``: jsonb keeps no order of keys."""
        return {
            "number": number,
            "operation": self.operation,
            "input": list(self.input),
            "on_error": self.on_error,
            "output_format": self.output_format,
            "engine": self.engine,
            "options": self.options,
            "force": self.force,
            "url": self.url,
        }


def ordered(stored: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Stored steps in the order in which they can run."""
    return dict(sorted(stored.items(), key=lambda item: int(item[1]["number"])))


def read_graph(raw: Any) -> dict[str, StepSpec]:
    """The steps in an order in which they can run. Raises BadGraph."""
    if not isinstance(raw, Mapping) or not raw:
        raise BadGraph([Fault("steps", "missing", "Name at least one step.")])
    if len(raw) > MOST_STEPS:
        raise BadGraph([Fault("steps", "too_many", f"At most {MOST_STEPS} steps.")])
    faults: list[Fault] = []
    steps = {str(name): read_step(str(name), row, faults) for name, row in raw.items()}
    if not faults:
        for step in steps.values():
            faults += wrong_inputs(step, steps)
    if faults:
        raise BadGraph(faults)
    return {name: steps[name] for name in in_order(steps)}


def read_step(name: str, row: Any, faults: list[Fault]) -> StepSpec:
    """One step; what is wrong with it is added to ``faults``."""
    at = f"steps.{name}"
    if not NAME.match(name):
        faults.append(Fault(at, "invalid", "A name has letters, digits, - and _, at most 60."))
    if not isinstance(row, Mapping):
        faults.append(Fault(at, "invalid", "A step is an object with an operation."))
        return StepSpec(name=name, operation="", options={})
    own = row.get("options") or {}
    if not isinstance(own, Mapping):
        faults.append(Fault(f"{at}.options", "invalid", "Options are an object."))
        own = {}
    loose = {str(key): value for key, value in row.items() if key not in WORDS}
    step = StepSpec(
        name=name,
        operation=text(row, "operation"),
        input=inputs_of(row.get("input")),
        on_error=text(row, "on_error") or "fail",
        output_format=canonical_or_same(text(row, "output_format")),
        engine=text(row, "engine") or None,
        options={**loose, **own},
        password=text(row, "password"),
        force=row.get("force") is True,
        url=text(row, "url"),
        filename=text(row, "filename"),
        content_base64=row.get("content_base64"),
    )
    faults += wrong_words(step)
    return step


def text(row: Mapping[str, Any], key: str) -> str:
    """A word of a step; anything but text is no word."""
    value = row.get(key)
    return value if isinstance(value, str) else ""


def inputs_of(value: Any) -> tuple[str, ...]:
    """One name or a list of names, each once."""
    names = [value] if isinstance(value, str) else value or []
    return tuple(dict.fromkeys(map(str, names))) if isinstance(names, list | tuple) else ()


def wrong_words(step: StepSpec) -> list[Fault]:
    """Faults that a step has by itself."""
    at = f"steps.{step.name}"
    faults = wrong_operation(step, at)
    if step.on_error not in ON_ERROR:
        faults.append(Fault(f"{at}.on_error", "invalid", "fail or continue"))
    if step.operation == "convert" and not step.output_format:
        faults.append(Fault(f"{at}.output_format", "missing", "Name the format of the result."))
    if step.operation == "import/url" and not step.url:
        faults.append(Fault(f"{at}.url", "missing", "Name the address."))
    return faults


def wrong_operation(step: StepSpec, at: str) -> list[Fault]:
    """An operation that is unknown, or not offered here."""
    field = f"{at}.operation"
    if step.operation in OF_THE_LIBRARY:
        return [Fault(field, "not_offered", "There is no media library here yet.")]
    if step.slug:
        if step.slug not in BY_SLUG:
            return [Fault(field, "unknown", f"There is no tool {step.slug}.")]
        reason = unavailable().get(step.slug)
        return [Fault(field, "not_offered", f"Not offered here: {reason}.")] if reason else []
    if step.operation not in (*IMPORTS, *EXPORTS, "convert"):
        known = ", ".join(OPERATIONS)
        return [Fault(field, "unknown", f"{step.operation or 'It'} is none of {known}.")]
    return []


def wrong_inputs(step: StepSpec, steps: Mapping[str, StepSpec]) -> list[Fault]:
    """Inputs that are missing, unknown, or give nothing."""
    at = f"steps.{step.name}.input"
    if step.is_import:
        return [Fault(at, "invalid", "An import has no input.")] if step.input else []
    if not step.input:
        return [Fault(at, "missing", "Name the step whose files it takes.")]
    faults = [Fault(at, "unknown", f"There is no step {n}.") for n in step.input if n not in steps]
    for source in (steps[name] for name in step.input if name in steps):
        if source.is_export:
            faults.append(Fault(at, "invalid", f"{source.name} is an export: it gives nothing on."))
        if step.is_export and source.is_import:
            faults.append(Fault(at, "invalid", f"{source.name} only brings your own files in."))
    return faults


def in_order(steps: Mapping[str, StepSpec]) -> list[str]:
    """Names, each after its inputs. Raises BadGraph naming a cycle."""
    sorter = TopologicalSorter({name: step.input for name, step in steps.items()})
    try:
        return list(sorter.static_order())
    except CycleError as error:
        ring: list[str] = error.args[1]
        told = " → ".join(reversed(ring))
        raise BadGraph(
            [Fault(f"steps.{ring[0]}.input", "cycle", f"These steps wait for each other: {told}.")]
        ) from error
