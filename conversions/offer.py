"""What this installation offers: the engines that are here, with their versions."""

from __future__ import annotations

from functools import lru_cache

from conversions import planner
from conversions.engines.registry import ENGINES
from conversions.engines.spec import EngineSpec


@lru_cache(maxsize=1)
def versions() -> dict[str, str | None]:
    """Engine id → version, None where it is not installed. Asked once in a process."""
    return {spec.id: spec.find_version() for spec in ENGINES}


@lru_cache(maxsize=1)
def installed() -> tuple[EngineSpec, ...]:
    """The engines whose routes are offered."""
    return tuple(spec for spec in ENGINES if versions()[spec.id] is not None)


@lru_cache(maxsize=4096)
def route(source: str, target: str, engine: str | None = None) -> tuple[planner.Edge, ...]:
    """The planned route, remembered; raises NoRoute."""
    return planner.plan(installed(), source, target, engine=engine)


@lru_cache(maxsize=512)
def targets(source: str) -> tuple[str, ...]:
    """Every format that a source can become, sorted."""
    return tuple(sorted(planner.reachable(installed(), source)))


def spec_of(engine_id: str) -> EngineSpec:
    """An engine by its id."""
    return next(spec for spec in ENGINES if spec.id == engine_id)


def missing() -> dict[str, str]:
    """Engine id → why its routes are not offered."""
    return {i: "not installed here" for i, version in versions().items() if version is None}
