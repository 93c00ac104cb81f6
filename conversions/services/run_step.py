"""One step of a job: its engine in a folder of its own, and others where that can't do it.

Engines that can't read a file, or are not sure of what they found, hand over to those that were
verified on the same pair.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
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
from inspection.naming import extension_of, family_of

Tell = Callable[[float, str], None]
OPERATION_IDS = frozenset(spec.id for spec in OPERATIONS)


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
        if result.unsure:
            result = surer(bench, step, taken, result)
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
    if refused.code != "file_corrupt" or step.engine in OPERATION_IDS or bench.password:
        raise refused
    first = offer.spec_of(step.engine)
    asked = asked_of(step)
    for result in by_others(bench, step, taken):
        note = f"{first.name} could not read the file; {offer.spec_of(step.engine).name} did."
        return replace(result, warnings=(*result.warnings, note))
    return by_way_of_png(bench, step, taken, refused, Choice(first.id, asked))


def asked_of(step: Step) -> dict[str, Any]:
    """The options that differ from the engine's own."""
    given = offer.spec_of(step.engine).options.model_validate(step.options)
    return given.model_dump(mode="json", exclude_defaults=True)


def by_others(bench: Bench, step: Step, taken: list[Piece]) -> Iterator[EngineResult]:
    """What each other engine of the pair makes that knows the options; ``step`` names it then."""
    asked = asked_of(step)
    for spec in offer.substitutes(step.engine, step.input_format, step.output_format):
        if not set(asked) <= set(spec.options.model_fields):
            continue
        use(step, Choice(spec.id, asked))
        try:
            result = attempt(bench, step, taken)
        except EngineError:
            continue
        yield result


def use(step: Step, choice: Choice) -> None:
    """``step`` names this engine from now on."""
    step.engine, step.options = choice.engine, choice.options
    step.version = offer.versions()[choice.engine] or ""


def surer(bench: Bench, step: Step, taken: list[Piece], result: EngineResult) -> EngineResult:
    """The result of an engine that finds more, or the one that there is."""
    first = Choice(step.engine, step.options)
    if first.engine not in OPERATION_IDS:
        for found in by_others(bench, step, taken):
            if not found.unsure:
                note_engine(bench.job, step)
                other = f"{offer.spec_of(step.engine).name} read it"
                told = f"{result.unsure} {other}; engine={step.engine} takes options of its own."
                return replace(found, warnings=(*found.warnings, told))
    use(step, first)
    return result


def by_way_of_png(
    bench: Bench, step: Step, taken: list[Piece], refused: InputRejected, first: Choice
) -> EngineResult:
    """The first engine's work on a PNG of the file, where no other engine writes the target."""
    between = "png"
    use(step, first)
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
