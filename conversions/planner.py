"""The cheapest route over what the engines offer. Pure: formats and options in, steps out."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any

from pydantic import ValidationError

from conversions.engines.spec import EngineOptions, EngineSpec, Route
from inspection.naming import family_of

MAX_STEPS = 3
SECONDS_PER_LOST_POINT = 0.05  # what a point of fidelity is worth
SECONDS_PER_STEP = 1.0  # each further step may lose something that no one measured


class NoRoute(Exception):
    """No chain of engines leads from one format to the other."""


class BadOptions(Exception):
    """Options that no step of the route takes, or with wrong values."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in problems))
        self.problems = problems


@dataclass(frozen=True)
class Edge:
    """One engine's pair."""

    spec: EngineSpec
    route: Route
    source: str
    target: str

    @property
    def cost(self) -> float:
        """In seconds, loss of fidelity turned into seconds."""
        lost = 100 - self.route.fidelity
        return self.spec.seconds + lost * SECONDS_PER_LOST_POINT + SECONDS_PER_STEP


Without = frozenset[tuple[str, str]]  # engines that shall not read a format


def edge_of(spec: EngineSpec, source: str, target: str) -> Edge:
    """The edge of an engine's pair."""
    route = next(r for r in spec.routes if source in r.inputs and target in r.outputs)
    return Edge(spec, route, source, target)


_GROUPS = {"image": "picture", "vector": "picture", "audio": "audio", "video": "video"}


_ONE_TABLE = {"csv", "tsv", "psv", "dif", "slk"}
_TREES = {"json", "yaml", "toml", "xml"}
_LISTS, _TABLES = {"csv", "json"}, {"spreadsheet", "data"}
_COLUMNS = {"parquet", "feather", "arrow", "orc"}


def may_follow(first: Edge, edge: Edge) -> bool:
    """A picture made into a PDF holds no text: such chains would only give empty results.

    Pictures stay pictures until the last step, which may make a PDF of them. A workbook does not
    become a tree through a format of one table: its other sheets would be lost. Slides have no
    columns. The list of a mailbox is not its messages.
    """
    if first.source == "mbox" and edge.source in _LISTS and family_of(edge.target) not in _TABLES:
        return False
    if family_of(first.source) == "presentation" and edge.target in _COLUMNS:
        return False
    book = family_of(first.source) == "spreadsheet" and first.source not in _ONE_TABLE
    if book and edge.source in _ONE_TABLE and edge.target in _TREES:
        return False
    group = _GROUPS.get(family_of(first.source))
    if group is None or group == _GROUPS.get(family_of(edge.target)):
        return True
    still = _GROUPS.get(family_of(edge.source)) == group
    return group == "picture" and still and edge.target == "pdf"


@lru_cache(maxsize=8)
def graph_of(specs: tuple[EngineSpec, ...]) -> dict[str, dict[str, tuple[Edge, ...]]]:
    """Source → target → the engines of that pair, cheapest first."""
    found: dict[str, dict[str, list[Edge]]] = {}
    for spec in specs:
        for route in spec.routes:
            for source in route.inputs:
                row = found.setdefault(source, {})
                for target in route.outputs:
                    row.setdefault(target, []).append(Edge(spec, route, source, target))
    return {
        source: {t: tuple(sorted(edges, key=lambda e: e.cost)) for t, edges in row.items()}
        for source, row in found.items()
    }


def plan(
    specs: Iterable[EngineSpec],
    source: str,
    target: str,
    *,
    engine: str | None = None,
    without: Without = frozenset(),
) -> tuple[Edge, ...]:
    """The cheapest chain of at most three steps; raises NoRoute.

    With ``engine``, only chains that use it; none in which an engine reads what ``without`` names.
    Dijkstra over (format, steps, engine used).
    """
    graph = graph_of(tuple(specs))
    order = count()
    heap: list[tuple[float, int, str, tuple[Edge, ...]]] = [(0.0, next(order), source, ())]
    settled: set[tuple[str, int, bool]] = set()
    while heap:
        cost, _, at, path = heapq.heappop(heap)
        used = engine is None or any(edge.spec.id == engine for edge in path)
        if path and at == target and used:
            return path
        if (at, len(path), used) in settled or len(path) == MAX_STEPS:
            continue
        settled.add((at, len(path), used))
        for edge in next_edges(graph, path, source, at, engine, without):
            if without and edge.target == "txt" != target:
                continue  # a document does not come back as its bare text
            heapq.heappush(heap, (cost + edge.cost, next(order), edge.target, (*path, edge)))
    raise NoRoute(f"{source} → {target}")


def next_edges(
    graph: Mapping[str, Mapping[str, tuple[Edge, ...]]],
    path: tuple[Edge, ...],
    source: str,
    at: str,
    engine: str | None,
    without: Without = frozenset(),
) -> Iterator[Edge]:
    """What may come next: the cheapest of each pair, and the wanted engine's."""
    passed = {source, *(edge.target for edge in path)} if path else set()
    for target, every in graph.get(at, {}).items():
        edges = [edge for edge in every if (edge.spec.id, at) not in without]
        if not edges or target in passed or (path and not may_follow(path[0], edges[0])):
            continue
        yield edges[0]
        yield from (edge for edge in edges[1:] if edge.spec.id == engine)


def reachable(specs: Iterable[EngineSpec], source: str) -> set[str]:
    """Every format that a plan leads to."""
    graph = graph_of(tuple(specs))
    first = graph.get(source, {})
    found, frontier = set(first), set(first)
    for _ in range(MAX_STEPS - 1):
        following = {
            target
            for at in frontier
            for target, edges in graph.get(at, {}).items()
            if target != source and may_follow(next(iter(first.values()))[0], edges[0])
        }
        frontier = following - found
        found |= frontier
    return found


def allowed_options(edge: Edge) -> frozenset[str]:
    """Names of the options that apply to a pair."""
    names = edge.route.options
    return frozenset(edge.spec.options.model_fields if names is None else names)


def split_options(path: tuple[Edge, ...], options: dict[str, Any]) -> tuple[EngineOptions, ...]:
    """Each step's part of the options, validated; raises BadOptions naming every wrong one."""
    unknown = set(options) - set().union(*(allowed_options(edge) for edge in path))
    problems = [(name, "this conversion has no such option") for name in sorted(unknown)]
    parts: list[EngineOptions] = []
    for edge in path:
        mine = {name: options[name] for name in options if name in allowed_options(edge)}
        try:
            parts.append(edge.spec.options.model_validate(mine))
        except ValidationError as error:
            problems += [(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
    if problems:
        raise BadOptions(problems)
    return tuple(parts)


def options_schema(path: tuple[Edge, ...]) -> dict[str, Any]:
    """The JSON schema of a route's options: the properties of its steps, joined."""
    properties: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    for edge in reversed(path):
        schema = edge.spec.options.model_json_schema()
        definitions |= schema.get("$defs", {})
        names = allowed_options(edge)
        properties |= {k: v for k, v in schema.get("properties", {}).items() if k in names}
    body: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if definitions:
        body["$defs"] = definitions
    return body
