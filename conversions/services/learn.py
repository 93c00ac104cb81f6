"""How long things take: noted when jobs end, asked when a quote is wanted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from conversions.models import Job
from conversions.shared.models import RunTime
from conversions.verification import Report

RECENT = 300  # runs of a route that are looked at
NEAREST = 7
_FEW = 3  # runs below which the matrix is trusted more
LEAST_S = 0.01


@dataclass(frozen=True)
class Run:
    """One observation."""

    size_bytes: int
    pages: int | None
    duration_s: float | None
    seconds: float


def route_key(rows: Sequence[dict[str, str]]) -> str:
    """The name of a route: formats and engines, not versions."""
    return " ".join(f"{row['from']}>{row['to']}:{row['engine']}" for row in rows)[:200]


def note_run(job: Job, report: Report, seconds: float) -> None:
    """One row in the public schema; no tenant, no name, no content."""
    told = {check.name: check.actual for check in report.checks}
    pages, length = told.get("pages"), told.get("duration")
    RunTime.objects.create(
        route=route_key(job.route),
        size_bytes=job.input_size + job.extra_bytes,
        pages=pages if isinstance(pages, int) and pages >= 0 else None,
        duration_s=float(length) if isinstance(length, int | float) else None,
        seconds=round(seconds, 3),
    )


def recent_runs(key: str) -> list[Run]:
    """The newest runs of a route, of all tenants."""
    rows = RunTime.objects.filter(route=key).order_by("-id")
    return [
        Run(*row)
        for row in rows.values_list("size_bytes", "pages", "duration_s", "seconds")[:RECENT]
    ]


def apart(one: Run, size: int, pages: int | None, duration: float | None) -> float:
    """Distance of two files in doublings of what they have in common."""
    found = abs(math.log2(max(one.size_bytes, 1) / max(size, 1)))
    if one.pages and pages:
        found += 2 * abs(math.log2(one.pages / pages))
    if one.duration_s and duration:
        found += 2 * abs(math.log2(one.duration_s / duration))
    return found


def estimate(
    runs: Iterable[Run], size: int, pages: int | None, duration: float | None, otherwise: float
) -> float:
    """Seconds: the median of the nearest runs, else what the matrix measured."""
    known = sorted(runs, key=lambda run: apart(run, size, pages, duration))[:NEAREST]
    if len(known) < _FEW:
        return max(LEAST_S, round(otherwise, 3))
    return max(LEAST_S, round(median(run.seconds for run in known), 3))


def median_error(runs: Sequence[Run]) -> float:
    """Median absolute percentage error when each run is guessed from all others."""
    errors = [
        abs(
            estimate(
                [*runs[:i], *runs[i + 1 :]], run.size_bytes, run.pages, run.duration_s, run.seconds
            )
            - run.seconds
        )
        / max(run.seconds, LEAST_S)
        for i, run in enumerate(runs)
    ]
    return round(100 * median(errors), 1) if errors else 0.0
