"""Verification of what tools make: each operation by its own rules, by other libraries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conversions.verification import Report, applied, presence, type_of, verdict_of
from conversions.verification.terms import Check
from conversions.verification.tool_rules import RULES
from conversions.verification.tool_seen import Seen
from inspection.facts import PRELOAD, PRELOAD_PDF
from sandbox import pool
from sandbox.outcomes import SandboxError, is_killed

_WRITERS = {"archive_create": "python", "archive_extract": "libarchive"}
_PILLOW = "image_"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What was done, by which engine, to what."""

    engine_id: str
    sources: tuple[Path, ...]
    source_formats: tuple[str, ...]
    output_format: str
    options: Mapping[str, Any] = field(default_factory=dict)
    password: str | None = None
    names: tuple[str, ...] = ()  # of the sources


def verify_tool(
    done: Operation,
    outputs: tuple[Path, ...],
    *,
    claims: Mapping[str, Any],
    names: tuple[str, ...] = (),
) -> Report:
    """Compare the outputs of an operation with its sources."""
    entries = done.engine_id == "archive_extract"  # may hold empty files, of any type
    checks = [] if entries else presence(outputs)
    if not entries and all(check.ok for check in checks):
        checks += [type_of(path, done.output_format) for path in outputs]
        if done.engine_id == "pdf_protect" and checks[-1].actual == "pdf":
            checks[-1] = Check(name="type", ok=True, expected="pdf", actual="pdf")
    if all(check.ok for check in checks):
        read = _read(done, outputs)
        if isinstance(read, Check):
            checks.append(read)
        else:
            seen = Seen(
                before=read[: len(done.sources)],
                after=read[len(done.sources) :],
                operation=done,
                claims=claims,
                names=names,
            )
            checks += _rules(done.engine_id, seen)
    return Report(verdict=verdict_of(checks), checks=tuple(checks))


def _rules(engine_id: str, seen: Seen) -> list[Check]:
    broken = [str(one["error"]) for one in seen.after if "error" in one]
    # A reader may mend a cut-off file so well that nothing seems to be missing.
    broken += ["had to be repaired" for one in seen.after if one.get("repaired")]
    opened = "; ".join(broken) or "opens"
    checks = [Check(name="readable", ok=not broken, expected="a file that opens", actual=opened)]
    if not broken:
        for rule in RULES[engine_id]:
            checks += applied(rule, seen)
    return checks


def _read(done: Operation, outputs: tuple[Path, ...]) -> list[dict[str, Any]] | Check:
    writer = _WRITERS.get(done.engine_id)
    if done.engine_id.startswith(_PILLOW):
        writer = "pillow"
    plain = done.engine_id == "archive_create", done.engine_id == "archive_extract"
    opens = done.password if done.engine_id != "pdf_protect" else None
    items: list[dict[str, Any]] = [
        {"path": str(path), "format": code, "password": opens, "plain": plain[0]}
        for path, code in zip(done.sources, done.source_formats, strict=True)
    ]
    later = done.password if done.engine_id == "pdf_protect" else None
    items += [
        {
            "path": str(path),
            "format": done.output_format,
            "unlike": writer,
            "plain": plain[1],
            "password": later,
        }
        for path in outputs
    ]
    pdf = "pdf" in {done.output_format, *done.source_formats}
    # libarchive looks for its library at import, which the child can no longer do.
    modules = (*(PRELOAD_PDF if pdf else PRELOAD), "libarchive", "inspection.tool_facts")
    try:
        returned = pool.server(modules).call(
            "inspection.tool_facts:read_all",
            items,
            profile="inspect",
            readable=(*done.sources, *outputs),
        )
    except SandboxError as error:
        if is_killed(error):
            raise
        return Check(
            name="readable", ok=False, expected="a file that opens", actual=str(error)[:200]
        )
    found: list[dict[str, Any]] = returned.value
    return found
