"""The engines of one job, leg by leg: run, then hold the result against what went in.

A leg is a chain of conversions, or one operation of a tool. Each is verified on its own, so that a
document that lost its text on the way to PDF does not hide in a merged file.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from pathlib import Path, PurePath
from tempfile import mkdtemp
from typing import Any

from django.db.models.functions import Now

from conversions import offer
from conversions.engines.execute import execute
from conversions.engines.registry import OPERATIONS
from conversions.engines.spec import (
    EngineCall,
    EngineCrashed,
    EngineError,
    EngineResult,
    InputRejected,
)
from conversions.models import Job, Step
from conversions.verification import Report, verdict_of, verify
from conversions.verification.tools import Operation, verify_tool
from core import storage
from core.uploads import safe_name
from inspection.naming import extension_of, family_of

Tell = Callable[[float, str], None]
_OPERATIONS = frozenset(spec.id for spec in OPERATIONS)


@dataclass(frozen=True)
class Piece:
    """A file on its way, what it is, and what the customer calls it."""

    path: Path
    format: str
    name: str


@dataclass(frozen=True)
class Bench:
    """Where and until when the steps of one attempt run."""

    job: Job
    folder: Path
    deadline: float  # of time.monotonic()
    password: str | None
    progress: Callable[[Step], Tell]


@dataclass(frozen=True)
class Choice:
    """An engine and its options."""

    engine: str
    options: dict[str, Any]


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
        steps, lambda step: (step.part, step.position if step.engine in _OPERATIONS else None)
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
        result, said = run_leg(bench, leg, taken)
        warnings += said
        report = check_leg(bench, leg, taken, result)
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


def run_leg(bench: Bench, leg: list[Step], taken: list[Piece]) -> tuple[EngineResult, list[str]]:
    """The steps of one leg, each on all that the one before made: pages, sheets."""
    result = run_step(bench, leg[0], taken)
    warnings = [*result.warnings]
    for before, step in pairwise(leg):
        made = [Piece(path, before.output_format, taken[0].name) for path in result.outputs]
        result = run_on_each(bench, step, made)
        warnings += result.warnings
    return result, warnings


def run_on_each(bench: Bench, step: Step, pieces: list[Piece]) -> EngineResult:
    """One engine on each of several files; of one file, its result as it is."""
    if len(pieces) == 1:
        return run_step(bench, step, pieces)
    results = []
    for number, piece in enumerate(pieces):
        share = replace(bench, progress=part_of(bench.progress, number, len(pieces)))
        results.append(run_step(share, step, [piece]))
    return EngineResult(
        outputs=tuple(path for result in results for path in result.outputs),
        warnings=tuple(text for result in results for text in result.warnings),
    )


def part_of(progress: Callable[[Step], Tell], number: int, count: int) -> Callable[[Step], Tell]:
    """Progress of one file as a part of that of all."""

    def of_step(step: Step) -> Tell:
        tell = progress(step)
        return lambda fraction, stage: tell((number + fraction) / count, stage)

    return of_step


def run_step(bench: Bench, step: Step, taken: list[Piece]) -> EngineResult:
    """One engine; where it can't read the file, each other one that was verified on the pair.

    ``step`` then names the engine that made the result.
    """
    Step.objects.filter(pk=step.pk).update(started_at=Now())
    try:
        result = attempt(bench, step, taken)
    except InputRejected as refused:
        result = second_try(bench, step, taken, refused)
        note_engine(bench.job, step)
    Step.objects.filter(pk=step.pk).update(finished_at=Now())
    return result


def note_engine(job: Job, step: Step) -> None:
    """Write down which engine did the step in the end."""
    Step.objects.filter(pk=step.pk).update(engine=step.engine, version=step.version)
    names = {"engine": step.engine, "version": step.version}
    job.route = [
        {**row, **names} if number == step.position else row for number, row in enumerate(job.route)
    ]
    Job.objects.filter(pk=job.pk).update(route=job.route)


def second_try(
    bench: Bench, step: Step, taken: list[Piece], refused: InputRejected
) -> EngineResult:
    """The result of another engine, with a warning; raises ``refused`` when none can do it."""
    if refused.code != "file_corrupt" or step.engine in _OPERATIONS or bench.password:
        raise refused
    first = offer.spec_of(step.engine)
    asked = first.options.model_validate(step.options).model_dump(
        mode="json", exclude_defaults=True
    )
    for spec in offer.substitutes(step.engine, step.input_format, step.output_format):
        if not set(asked) <= set(spec.options.model_fields):
            continue
        step.engine, step.version = spec.id, offer.versions()[spec.id] or ""
        step.options = asked
        try:
            result = attempt(bench, step, taken)
        except EngineError:
            continue
        note = f"{first.name} could not read the file; {spec.name} did."
        return replace(result, warnings=(*result.warnings, note))
    return by_way_of_png(bench, step, taken, refused, Choice(first.id, asked))


def by_way_of_png(
    bench: Bench, step: Step, taken: list[Piece], refused: InputRejected, first: Choice
) -> EngineResult:
    """The first engine's work on a PNG of the file, where no other engine writes the target."""
    between = "png"
    step.engine, step.options = first.engine, first.options
    step.version = offer.versions()[first.engine] or ""
    writes = first.engine in offer.verified_of(between, step.output_format)
    picture = family_of(step.input_format) == "image"
    if not picture or not writes or between in (step.input_format, step.output_format):
        raise refused
    for spec in offer.substitutes(first.engine, step.input_format, between):
        half = Step(engine=spec.id, position=step.position, options={}, part=step.part)
        half.input_format, half.output_format = step.input_format, between
        rest = Step(engine=first.engine, position=step.position, options=first.options)
        rest.input_format, rest.output_format = between, step.output_format
        try:
            made = attempt(bench, half, taken)
            if len(made.outputs) > 1:
                continue
            result = attempt(bench, rest, [Piece(made.outputs[0], between, taken[0].name)])
        except EngineError:
            continue
        note = f"{offer.spec_of(first.engine).name} could not read the file; {spec.name} did."
        return replace(result, warnings=(*made.warnings, *result.warnings, note))
    raise refused


def attempt(bench: Bench, step: Step, taken: list[Piece]) -> EngineResult:
    """One engine in a folder of its own, with copies of its inputs."""
    spec = offer.spec_of(step.engine)
    room = Path(mkdtemp(prefix=f"step-{step.position}-{spec.id}-", dir=bench.folder))
    copies = []
    for number, piece in enumerate(taken):
        suffix = f"-{number + 1}" if number else ""
        copies.append(room / f"input{suffix}.{extension_of(piece.format)}")
        shutil.copyfile(piece.path, copies[-1])
    call = EngineCall(
        source=copies[0],
        target=room / f"output.{extension_of(step.output_format)}",
        workdir=room,
        input_format=step.input_format,
        output_format=step.output_format,
        options=spec.options.model_validate(step.options),
        deadline_s=max(bench.deadline - time.monotonic(), 0.1),
        password=bench.password,
        extra_sources=tuple(copies[1:]),
        names=tuple(piece.name for piece in taken),
        progress=bench.progress(step),
    )
    result = execute(spec, call)
    if not result.outputs:
        raise EngineCrashed("The engine gave no result.")
    return result


def check_leg(bench: Bench, leg: list[Step], taken: list[Piece], result: EngineResult) -> Report:
    """Compare a leg's result with what went in, by another library than wrote it, sandboxed."""
    last = leg[-1]
    if last.engine in _OPERATIONS:
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
