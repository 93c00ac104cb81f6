"""How long things take: noted when jobs end, folded into a row for each route, asked by quotes.

A job leaves one row without tenant, name or content. Every minute the rows are folded into what is
known of their route, of its engines, and of this machine; a quote reads those three rows only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from django.db import transaction

from conversions import offer
from conversions.forecast import LEAST_S, UNITS, Run, Weights, fit, predict, work_of
from conversions.models import Job
from conversions.shared.models import RouteTime, RunTime
from conversions.verification import Report

KEPT = 120  # newest runs of a route that are learnt from
AT_ONCE = 2_000
FEW = 3  # runs below which a row says nothing
MACHINE = "*"  # how this machine compares with the one that ran the matrix


def route_key(rows: Sequence[Mapping[str, Any]]) -> str:
    """The name of a route: formats and engines, not versions."""
    return " ".join(f"{row['from']}>{row['to']}:{row['engine']}" for row in rows)[:200]


def engines_key(route: str) -> str:
    """The name of what its engines have in common, whatever the formats."""
    return "*:" + " ".join(leg.rpartition(":")[2] for leg in route.split(" "))


def note_run(job: Job, report: Report, seconds: float) -> None:
    """One row in the public schema, in the transaction that completes the job."""
    RunTime.objects.create(
        route=route_key(job.route),
        work=work_of(job.input_size + job.extra_bytes, report.before),
        seconds=round(seconds, 3),
    )


def fold_runs() -> int:
    """Fold what was noted since into the rows of routes; how many runs there were."""
    with transaction.atomic():
        rows = list(RunTime.objects.select_for_update(skip_locked=True).order_by("id")[:AT_ONCE])
        fresh: dict[str, list[Run]] = defaultdict(list)
        for row in rows:
            run = (row.seconds, *row.work)
            fresh[row.route].append(run)
            fresh[engines_key(row.route)].append(run)
            if measured := matrix_seconds(row.route):
                fresh[MACHINE].append((row.seconds / measured, *[0.0] * UNITS))
        # Engines first: what is known of them is where a route begins.
        for key in sorted(fresh, key=lambda key: (not key.startswith("*"), key)):
            fold(key, fresh[key])
        RunTime.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def fold(key: str, fresh: list[Run]) -> None:
    """Add runs to one row and fit it anew."""
    row, _ = RouteTime.objects.select_for_update().get_or_create(route=key)
    row.runs = [*row.runs, *fresh][-KEPT:]
    row.weights = list(learnt(key, row.runs))
    row.save()


def learnt(key: str, runs: Sequence[Run]) -> Weights:
    """What the runs of a key teach."""
    if key == MACHINE:
        return (median(run[0] for run in runs),)
    prior = None if key.startswith("*") else weights_of(engines_key(key))
    return fit(runs, prior)


def weights_of(key: str) -> Weights | None:
    """What is known of a key, once there are a few runs."""
    row = RouteTime.objects.filter(route=key).first()
    return tuple(row.weights) if row and len(row.runs) >= FEW else None


def matrix_seconds(route: str) -> float | None:
    """What the matrix measured, summed over the legs; None when one isn't in it."""
    total = 0.0
    for leg in route.split(" "):
        pair, _, engine = leg.rpartition(":")
        noted = offer.verified().get(pair, {}).get(engine)
        if noted is None:
            return None
        total += float(noted["seconds"])
    return max(total, LEAST_S)


def expected_seconds(
    route: str, size: int, known: Mapping[str, Any], otherwise: float | None = None
) -> float:
    """Seconds of run time: by the route's runs, its engines' runs, or the matrix's on this machine.

    ``otherwise`` stands in where the matrix has not run the route (operations of tools).
    """
    weights = weights_of(route) or weights_of(engines_key(route))
    if weights:
        return round(predict(weights, work_of(size, known)), 3)
    measured = matrix_seconds(route) or otherwise or 1.0
    pace = weights_of(MACHINE)
    return round(max(LEAST_S, measured * (pace[0] if pace else 1.0)), 3)
