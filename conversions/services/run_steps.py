"""The engines of one job, leg by leg: run, then hold the result against what went in.

A leg is a chain of conversions, or one operation of a tool. Each is verified on its own, so that a
document that lost its text on the way to PDF does not hide in a merged file.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from pathlib import Path, PurePath
from typing import Any

from conversions import offer
from conversions.engines.spec import EngineCrashed, EngineError, EngineResult, InputRejected
from conversions.models import Job, Step
from conversions.services.other_routes import note_route, other_legs
from conversions.services.run_step import (
    OPERATION_IDS,
    Bench,
    Piece,
    attempt,
    part_of,
    run_step,
)
from conversions.verification import Report, verdict_of, verify
from conversions.verification.tools import Operation, verify_tool
from core import storage
from core.uploads import safe_name
from inspection.naming import extension_of, family_of

Run = Callable[[Bench, Step, list[Piece]], EngineResult]


@dataclass(frozen=True)
class Made:
    """What the last leg gave, and what is said of all legs."""

    result: EngineResult
    reports: tuple[Report, ...]
    warnings: tuple[str, ...]


def pieces_of(job: Job, folder: Path) -> list[Piece]:
    """Fresh copies of the inputs: an engine could change the one that it is given."""
    rows = job.inputs or [
        {"key": job.input_key, "format": job.input_format, "filename": job.input_filename}
    ]
    found = []
    for number, row in enumerate(rows):
        copy = folder / f"source-{number + 1}.{extension_of(row['format'])}"
        shutil.copyfile(storage.path_of(row["key"]), copy)
        found.append(Piece(copy, row["format"], safe_name(row["filename"])))
    return found


def legs_of(steps: list[Step]) -> Iterator[list[Step]]:
    """Chains of conversions of one part; operations alone."""
    for (_, alone), group in groupby(
        steps, lambda step: (step.part, step.position if step.engine in OPERATION_IDS else None)
    ):
        members = list(group)
        yield from ([step] for step in members) if alone is not None else by_way_of_pages(members)


def by_way_of_pages(chain: list[Step]) -> Iterator[list[Step]]:
    """A document that becomes pictures: its text is compared in the PDF, its looks from there."""
    drawn = family_of(chain[-1].output_format) in ("image", "vector")
    formats = [step.output_format for step in chain[:-1]]
    place = formats.index("pdf") + 1 if drawn and "pdf" in formats else 0
    yield from (part for part in (chain[:place], chain[place:]) if part)


def run_steps(bench: Bench, steps: list[Step]) -> Made:
    """Every leg in order. Stops after the first whose result does not pass."""
    pieces = pieces_of(bench.job, bench.folder)
    reports: list[Report] = []
    warnings: list[str] = []
    result = EngineResult(outputs=())
    for leg in legs_of(steps):
        taken = pieces if leg[0].part is None else [pieces[leg[0].part]]
        result, said, report = checked_leg(bench, leg, taken)
        warnings += said
        reports.append(report)
        if report.verdict == "failed":
            break
        made = Piece(result.outputs[0], leg[-1].output_format, taken[0].name)
        if leg[0].part is None:
            pieces = [made]
        else:
            pieces[leg[0].part] = made
    return Made(result, tuple(reports), tuple(dict.fromkeys(warnings)))


def joined(reports: tuple[Report, ...]) -> Report:
    """One report of all legs."""
    checks = [check for report in reports for check in report.checks]
    before = reports[0].before if reports else {}
    return Report(verdict=verdict_of(checks), checks=tuple(checks), before=before)


def checked_leg(
    bench: Bench, leg: list[Step], taken: list[Piece]
) -> tuple[EngineResult, list[str], Report]:
    """A leg's result, what is warned of, its report; by another route where it does not pass."""
    try:
        result, said = run_leg(bench, leg, taken)
        report = check_leg(bench, leg, taken, result)
    except (InputRejected, EngineCrashed) as error:
        if bench.password or error.code not in ("file_corrupt", "engine_crashed"):
            raise
        if found := elsewhere(bench, leg, taken, error.public):
            return found
        raise
    if report.verdict == "failed":
        faults = ", ".join(check.name for check in report.checks if not check.ok and check.severe)
        if found := elsewhere(bench, leg, taken, f"it did not pass verification ({faults})"):
            return found
    return result, said, report


def elsewhere(
    bench: Bench, leg: list[Step], taken: list[Piece], why: str
) -> tuple[EngineResult, list[str], Report] | None:
    """The same by another route, with a warning; None where none gives what passes.

    Only of a source that verification could read: else nothing would be compared.
    """
    for other in other_legs(leg):
        try:
            result, said = run_leg(bench, other, taken, attempt)
            report = check_leg(bench, other, taken, result)
        except EngineError:
            continue
        if report.verdict != "failed" and report.before:
            note_route(bench.job, leg, other)
            return result, [*said, f"By {named(other)}, since of {named(leg)}: {why}"], report
    return None


def named(leg: list[Step]) -> str:
    """The engines of a leg, for people."""
    return ", ".join(offer.spec_of(step.engine).name for step in leg)


def run_leg(
    bench: Bench, leg: list[Step], taken: list[Piece], run: Run = run_step
) -> tuple[EngineResult, list[str]]:
    """The steps of one leg, each on all that the one before made: pages, sheets."""
    result = run(bench, leg[0], taken)
    warnings = [*result.warnings]
    for before, step in pairwise(leg):
        made = [Piece(path, before.output_format, taken[0].name) for path in result.outputs]
        result = run_on_each(bench, step, made, run)
        warnings += result.warnings
    return result, warnings


def run_on_each(bench: Bench, step: Step, pieces: list[Piece], run: Run = run_step) -> EngineResult:
    """One engine on each of several files; of one file, its result as it is.

    Sheets without a cell are left out, unless there are no others.
    """
    filled = [piece for piece in pieces if not is_bare(piece.path)] or pieces
    if len(pieces) == 1:
        return run(bench, step, pieces)
    results = []
    for number, piece in enumerate(filled):
        share = replace(bench, progress=part_of(bench.progress, number, len(filled)))
        results.append(run(share, step, [piece]))
    left = len(pieces) - len(filled)
    told = (f"Empty, and left out: {left} of {len(pieces)} sheets.",) if left else ()
    return EngineResult(
        outputs=tuple(path for result in results for path in result.outputs),
        warnings=(*told, *(text for result in results for text in result.warnings)),
    )


def is_bare(path: Path) -> bool:
    """Whether there is nothing in it but ends of lines."""
    return path.stat().st_size < 8 and not path.read_bytes().strip()


def check_leg(bench: Bench, leg: list[Step], taken: list[Piece], result: EngineResult) -> Report:
    """Compare a leg's result with what went in, by another library than wrote it, sandboxed."""
    last = leg[-1]
    if last.engine in OPERATION_IDS:
        done = Operation(
            engine_id=last.engine,
            sources=tuple(piece.path for piece in taken),
            source_formats=tuple(piece.format for piece in taken),
            output_format=last.output_format,
            options=last.options,
            password=bench.password,
            names=tuple(piece.name for piece in taken),
        )
        return verify_tool(done, result.outputs, claims=result.facts, names=result.names)
    return verify(
        taken[0].path,
        taken[0].format,
        tuple(result.outputs),
        last.output_format,
        options_of(leg),
        last.engine,
        password=bench.password,
        claims=result.facts,
    )


def options_of(leg: list[Step]) -> dict[str, Any]:
    """What was asked for, over all steps: a later step's word counts, silence doesn't."""
    return {k: v for step in leg for k, v in step.options.items() if v is not None}


def entry_name(name: str) -> str:
    """An unpacked file's name: its folders joined by underscores, one safe part."""
    return safe_name("_".join(PurePath(name).parts))
