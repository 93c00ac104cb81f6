"""Other ways to the same format, for a result that did not pass verification."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

from conversions import offer, planner
from conversions.models import Job, Step
from conversions.services.run_step import OPERATION_IDS, asked_of

_MOST = 2  # other routes that are tried
_WORSE = 0.6  # share of the first route's fidelity that a longer one must promise


def other_legs(leg: list[Step]) -> Iterator[list[Step]]:
    """Chains in which others read what the leg's engines read, as steps that are not stored.

    First the reader of the source is to blame, then the next; chains that can't take the options
    that differ from the usual ones are left out.
    """
    if leg[0].engine in OPERATION_IDS:
        return
    ends = leg[0].input_format, leg[-1].output_format
    asked = {name: value for step in leg for name, value in asked_of(step).items()}
    least = _WORSE * _fidelity(_edges(leg))
    tried = {tuple(_key(edge) for edge in _edges(leg))}
    suspects = [(step.engine, step.input_format) for step in leg]
    avoided: planner.Without = frozenset()
    while suspects and len(tried) <= _MOST:
        more = avoided | {suspects.pop(0)}
        try:
            path = offer.route_without(*ends, more)
            parts = planner.split_options(path, asked)
        except (planner.NoRoute, planner.BadOptions):
            continue
        avoided, suspects = more, [(path[0].spec.id, path[0].source), *suspects]
        key = tuple(_key(edge) for edge in path)
        if key in tried or (len(path) > 1 and _fidelity(path) < least):
            continue
        tried.add(key)
        yield [
            Step(
                engine=edge.spec.id,
                version=offer.versions()[edge.spec.id] or "",
                position=leg[0].position,
                part=leg[0].part,
                input_format=edge.source,
                output_format=edge.target,
                options=part.model_dump(mode="json"),
            )
            for edge, part in zip(path, parts, strict=True)
        ]


def note_route(job: Job, leg: list[Step], other: list[Step]) -> None:
    """Write down which engines made the leg's result in the end.

    Rows stand at the positions of their steps, so that only the last leg may change in length.
    """
    first, last = leg[0].position, leg[-1].position
    if len(other) != len(leg) and last + 1 < len(job.route):
        return
    rows = [
        {"engine": s.engine, "version": s.version, "from": s.input_format, "to": s.output_format}
        for s in other
    ]
    job.route = [*job.route[:first], *rows, *job.route[last + 1 :]]
    Job.objects.filter(pk=job.pk).update(route=job.route)


def _key(edge: planner.Edge) -> tuple[str, str, str]:
    return edge.spec.id, edge.source, edge.target


def _edges(leg: list[Step]) -> tuple[planner.Edge, ...]:
    return tuple(
        planner.edge_of(offer.spec_of(step.engine), step.input_format, step.output_format)
        for step in leg
    )


def _fidelity(path: tuple[planner.Edge, ...]) -> float:
    """Share that survives all of it, 0–1."""
    return reduce(lambda share, edge: share * edge.route.fidelity / 100, path, 1.0)
