"""The engines: every file of this folder that declares some, and what is checked about them.

An engine's file brings all that belongs to it: ``SPEC`` (conversions) or ``SPECS`` (operations of
tools), and where nobody knows its formats yet, ``FORMATS`` (rows as in inspection/formats.txt)
and ``FACTS`` (format → a reader for verification, by another library than the engine's).
"""

from __future__ import annotations

import functools
import importlib
import re
from collections import defaultdict
from pathlib import Path
from types import ModuleType

from conversions.engines.spec import EngineSpec, Route, Runner
from inspection import formats, shape
from sandbox.profiles import PROFILES

# Looked for in the text: helpers, and what runs under another Python, are never imported here.
_DECLARES = re.compile(r"^SPECS?\b", re.M)


def engine_modules() -> list[str]:
    """Names of the modules that declare engines, sorted."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return [f"{__package__}.{path.stem}" for path in files if _DECLARES.search(path.read_text())]


def _loaded() -> list[ModuleType]:
    """Those modules, and their formats made known."""
    found = [importlib.import_module(name) for name in engine_modules()]
    for module in found:
        readers = getattr(module, "FACTS", {})
        names = {code: f"{module.__name__}:{read.__name__}" for code, read in readers.items()}
        formats.add(getattr(module, "FORMATS", ""), names)
    return found


_MODULES = _loaded()
ENGINES: tuple[EngineSpec, ...] = tuple(
    module.SPEC for module in _MODULES if hasattr(module, "SPEC")
)
# What tools do to a file beside converting it; the planner of routes never sees these.
OPERATIONS: tuple[EngineSpec, ...] = tuple(
    spec for module in _MODULES for spec in getattr(module, "SPECS", ())
)

BY_ID: dict[str, EngineSpec] = {spec.id: spec for spec in (*ENGINES, *OPERATIONS)}


def preload(engine: EngineSpec | None = None) -> tuple[str, ...]:
    """Modules for the warm parent of an engine: what all that share this parent import."""
    found = ["conversions.engines.registry", "conversions.engines.execute", *shape.PRELOAD]
    alone = engine is not None and engine.own_parent
    for spec in (*ENGINES, *OPERATIONS):
        together = spec is engine if alone else not spec.own_parent
        if together and spec.runner is Runner.PYTHON and version(spec.id):
            found += [name for name in spec.preload if name not in found]
    return tuple(found)


@functools.cache
def version(engine_id: str) -> str | None:
    """Version of an installed engine; None when it is not here."""
    return BY_ID[engine_id].find_version()


def routes_between(source: str, target: str) -> list[tuple[EngineSpec, Route]]:
    """Installed engines that turn one format into another, best fidelity first."""
    found = [
        (spec, route)
        for spec in ENGINES
        for route in spec.routes
        if source in route.inputs and target in route.outputs and version(spec.id)
    ]
    return sorted(found, key=lambda pair: (-pair[1].fidelity, pair[0].units, pair[0].seconds))


@functools.cache
def index() -> dict[str, dict[str, tuple[str, ...]]]:
    """input → output → ids of installed engines, best first."""
    pairs = {
        (source, target)
        for spec in ENGINES
        for route in spec.routes
        for source in route.inputs
        for target in route.outputs
    }
    table: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for source, target in sorted(pairs):
        ids = tuple(dict.fromkeys(spec.id for spec, _ in routes_between(source, target)))
        if ids:
            table[source][target] = ids
    return dict(table)


def problems() -> list[str]:
    """What is wrong with the declarations; empty when all is well."""
    found = []
    if len(BY_ID) != len(ENGINES) + len(OPERATIONS):
        found.append("two engines share an id")
    for spec in (*ENGINES, *OPERATIONS):
        if spec.sandbox not in PROFILES:
            found.append(f"{spec.id}: no sandbox profile {spec.sandbox!r}")
        fields = set(spec.options.model_fields)
        for route in spec.routes:
            codes = (*route.inputs, *route.outputs)
            found += [f"{spec.id}: unknown format {c!r}" for c in codes if c not in formats.BY_CODE]
            unknown = set(route.options or ()) - fields
            found += [f"{spec.id}: unknown option {name!r}" for name in sorted(unknown)]
            if not 0 <= route.fidelity <= 100:
                found.append(f"{spec.id}: fidelity {route.fidelity} is not within 0–100")
    return found
