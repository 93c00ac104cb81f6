"""Is the result what was asked for? Opens it again by another library than wrote it and compares.

Both files are read inside the sandbox, since a result may be as hostile as its source.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel

from conversions.verification.rules import has_text, rules_for
from conversions.verification.scenes import watch
from conversions.verification.sounds import listen
from conversions.verification.terms import Check, Compared
from conversions.verification.views import viewable
from inspection import facts as inspection_facts
from inspection.detect import detect
from inspection.formats import BY_CODE
from inspection.texts import PLAIN
from sandbox import pool
from sandbox.outcomes import SandboxError, is_killed

__all__ = ["Check", "Report", "presence", "type_of", "verdict_of", "verify", "warm"]

Given = TypeVar("Given")
Verdict = Literal["verified", "warnings", "failed"]
# The facts reader that shares its library with the engine that wrote the file.
_SAME_LIBRARY = {"pillow": "pillow", "pypdf": "pypdf", "libarchive": "libarchive"}
AT_ONCE = 40  # files that share the time of one reading
_SAME_TYPE = {
    "m4a": {"mp4", "mov"},
    "mov": {"mp4"},
    "mp4": {"mov", "m4a"},
    "jsonl": {"json"},  # of one line
}


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was checked, and the verdict: one severe check that fails fails all."""

    verdict: Verdict
    checks: tuple[Check, ...]
    before: Mapping[str, Any] = field(default_factory=dict)  # the source's counts, for learning


def warm() -> None:
    """Start the warm parents that read files for verification."""
    for modules in (inspection_facts.PRELOAD, inspection_facts.PRELOAD_PDF):
        pool.server(modules).warm()


def verify(
    source: Path,
    source_format: str,
    outputs: tuple[Path, ...],
    output_format: str,
    options: BaseModel | Mapping[str, Any],
    engine_id: str,
    *,
    password: str | None = None,
    claims: Mapping[str, Any] | None = None,
) -> Report:
    """Compare outputs with their source.

    ``claims`` are the engine's own facts: they are held against what is found, never believed.
    """
    chosen = options.model_dump() if isinstance(options, BaseModel) else dict(options)
    checks = presence(outputs, output_format)
    if all(check.ok for check in checks):
        checks += [type_of(path, output_format) for path in outputs]
    counts: dict[str, Any] = {}
    if all(check.ok for check in checks):
        read = _read(source, source_format, outputs, output_format, engine_id, password)
        if isinstance(read, Check):
            checks.append(read)
        else:
            counts = {k: v for k, v in read[0].items() if isinstance(v, int | float)}
            if BY_CODE[output_format].family in ("audio", "video"):
                ends = (source, source_format), (outputs[0], output_format)
                listen(read[0], read[1], *ends, chosen)
                watch(read[0], read[1], *ends)
            checks += _compare(read, source_format, output_format, chosen, claims or {})
    return Report(verdict=verdict_of(checks), checks=tuple(checks), before=counts)


def verdict_of(checks: list[Check]) -> Verdict:
    """What the checks come to."""
    if any(not check.ok and check.severe for check in checks):
        return "failed"
    return "verified" if all(check.ok for check in checks) else "warnings"


def presence(outputs: tuple[Path, ...], output_format: str = "") -> list[Check]:
    """Whether there is a file at all, and bytes in each.

    Text of a source without any has none either: the rules judge that, who know the source.
    """
    sizes = [path.stat().st_size if path.is_file() else 0 for path in outputs]
    there = bool(outputs) and all(path.is_file() for path in outputs)
    ok = there and (all(sizes) or output_format in PLAIN)
    return [Check(name="not_empty", ok=ok, expected="bytes", actual=sum(sizes))]


def type_of(path: Path, output_format: str) -> Check:
    """Whether the content is what was asked for."""
    found = detect(path, f"x.{BY_CODE[output_format].extensions[0]}")
    same = found.format == output_format or found.format in _SAME_TYPE.get(output_format, ())
    # Text without a single letter is still text: an empty sheet, a scan without words.
    same = same or (found.empty and output_format in PLAIN)
    return Check(
        name="type", ok=same and not found.malicious, expected=output_format, actual=found.format
    )


def _read(
    source: Path,
    source_format: str,
    outputs: tuple[Path, ...],
    output_format: str,
    engine_id: str,
    password: str | None,
) -> list[dict[str, Any]] | Check:
    """Facts of the source, then of each output; a Check when reading them met a limit."""
    writer = _SAME_LIBRARY.get(engine_id)
    try:
        with contextlib.ExitStack() as stack:
            pairs = [(source, source_format), *((path, output_format) for path in outputs)]
            seen = [stack.enter_context(viewable(*pair)) for pair in pairs]
            items: list[dict[str, Any]] = [
                inspection_facts.item(path, code, unlike=writer if number else None)
                for number, (path, code) in enumerate(seen)
            ]
            items[0]["password"] = password
            parent = pool.server(inspection_facts.preload_for({code for _, code in seen}))
            found: list[dict[str, Any]] = []
            for place in range(0, len(items), AT_ONCE):
                returned = parent.call(
                    "inspection.facts:facts_of_all",
                    items[place : place + AT_ONCE],
                    profile="inspect",
                    readable=tuple(path for path, _ in seen[place : place + AT_ONCE]),
                )
                found += returned.value
    except SandboxError as error:
        if is_killed(error):
            raise
        return Check(
            name="readable", ok=False, expected="a file that opens", actual=str(error)[:200]
        )
    return found


def _compare(
    read: list[dict[str, Any]],
    source_format: str,
    output_format: str,
    options: dict[str, Any],
    claims: Mapping[str, Any],
) -> list[Check]:
    before, *after = read
    broken = [
        str(one.get("error") or one.get("fault")) for one in after if {"error", "fault"} & set(one)
    ]
    opened = Check(
        name="readable",
        ok=not broken,
        expected="a file that opens",
        actual="; ".join(broken) or "opens",
    )
    if broken:
        return [opened]
    compared = Compared(
        before={} if "error" in before else _as_shown(before, output_format),
        after=after,
        source_format=source_format,
        output_format=output_format,
        options=options,
        claims=claims,
    )
    checks = [opened, *has_text(compared)]
    for rule in rules_for(source_format, output_format):
        checks += applied(rule, compared)
    return checks


def _as_shown(before: Mapping[str, Any], output_format: str) -> Mapping[str, Any]:
    """The source's facts; without the words of addresses where those become links."""
    markup = BY_CODE[output_format].family == "markup"
    return {**before, **before.get("unlinked", {})} if markup else before


def applied(rule: Callable[[Given], Iterable[Check]], given: Given) -> list[Check]:
    """A rule's checks. Facts that it trips over are odd: then nothing was proved."""
    try:
        return list(rule(given))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        note = f"the files can't be compared: {type(error).__name__}"
        return [Check(name="comparable", ok=False, note=note, actual=str(error)[:200])]
