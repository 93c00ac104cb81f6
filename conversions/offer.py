"""What this installation offers: the engines that are here, with their versions."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from conversions import planner
from conversions.engines import registry
from conversions.engines.registry import ENGINES
from conversions.engines.spec import EngineSpec, Route

VERIFIED = Path(__file__).parent / "engines" / "verified.json"


@lru_cache(maxsize=1)
def versions() -> dict[str, str | None]:
    """Engine id → version, None where it is not installed. Asked once in a process."""
    return {spec.id: spec.find_version() for spec in ENGINES}


@lru_cache(maxsize=1)
def installed() -> tuple[EngineSpec, ...]:
    """The engines that are here, with those of their pairs that were run and verified."""
    here = (spec for spec in ENGINES if versions()[spec.id] is not None)
    return tuple(replace(spec, routes=verified_routes(spec)) for spec in here)


@lru_cache(maxsize=1)
def verified() -> dict[str, dict[str, dict[str, Any]]]:
    """``from>to`` → engine → {at, seconds, verdict, …}, as `make matrix` noted it."""
    if not VERIFIED.exists():
        return {}
    found: dict[str, dict[str, dict[str, Any]]] = json.loads(VERIFIED.read_text())
    return found


def verified_routes(spec: EngineSpec) -> tuple[Route, ...]:
    """A route for each input, to the outputs whose results passed."""
    return tuple(
        replace(route, inputs=(source,), outputs=outputs)
        for route in spec.routes
        for source in route.inputs
        if (outputs := tuple(o for o in route.outputs if spec.id in verified_of(source, o)))
    )


def verified_of(source: str, target: str) -> dict[str, dict[str, Any]]:
    """Engine → how its last run of a pair ended."""
    return verified().get(f"{source}>{target}", {})


def verdict_on(edges: tuple[planner.Edge, ...]) -> dict[str, Any]:
    """{at, seconds, verdict} of a route: its oldest run, its sum, its worst."""
    runs = [verified_of(edge.source, edge.target)[edge.spec.id] for edge in edges]
    return {
        "at": min(run["at"] for run in runs),
        "seconds": round(sum(run["seconds"] for run in runs), 2),
        "verdict": max((run["verdict"] for run in runs), key=("verified", "warnings").index),
    }


@lru_cache(maxsize=4096)
def route(source: str, target: str, engine: str | None = None) -> tuple[planner.Edge, ...]:
    """The planned route, remembered; raises NoRoute."""
    return planner.plan(installed(), source, target, engine=engine)


@lru_cache(maxsize=4096)
def route_without(source: str, target: str, avoided: planner.Without) -> tuple[planner.Edge, ...]:
    """The best route in which those engines do not read those formats; raises NoRoute."""
    return planner.plan(installed(), source, target, without=avoided)


@lru_cache(maxsize=512)
def targets(source: str) -> tuple[str, ...]:
    """Every format that a source can become, sorted."""
    return tuple(sorted(planner.reachable(installed(), source)))


def spec_of(engine_id: str) -> EngineSpec:
    """An engine by its id."""
    return registry.BY_ID[engine_id]


def substitutes(step_engine: str, source: str, target: str) -> tuple[EngineSpec, ...]:
    """Other engines here that were verified on the same pair, best first."""
    noted = verified_of(source, target)
    found = [spec for spec, _ in registry.routes_between(source, target) if spec.id in noted]
    return tuple(spec for spec in dict.fromkeys(found) if spec.id != step_engine)


def missing() -> dict[str, str]:
    """Engine id → why its routes are not offered."""
    return {i: "not installed here" for i, version in versions().items() if version is None}


@dataclass(frozen=True)
class PlannedStep:
    """One engine's part of a plan. ``part``: the file it prepares; None: all of them, joined."""

    spec: EngineSpec
    source: str
    target: str
    options: dict[str, Any]
    part: int | None = None

    def of_part(self, part: int | None) -> PlannedStep:
        """The same for one of several files."""
        return replace(self, part=part)


@dataclass(frozen=True)
class Plan:
    """What a job will do, in order."""

    steps: tuple[PlannedStep, ...]
    output_format: str

    def body(self) -> list[dict[str, Any]]:
        """As the API shows it."""
        return [
            {
                "engine": step.spec.id,
                "version": registry.version(step.spec.id),
                "from": step.source,
                "to": step.target,
            }
            for step in self.steps
        ]

    @property
    def units(self) -> int:
        """What it costs: what its dearest step asks."""
        return max(step.spec.units for step in self.steps)

    @property
    def queue(self) -> str:
        """The cost class of the dearest step."""
        return str(max(self.steps, key=lambda step: step.spec.seconds).spec.queue)
