"""What a file is, without keeping it: our detection, magika's second opinion, facts by sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conversions.services.weigh_pdf import refuse_large_pdf
from core.uploads import IncomingFile, printable_name
from inspection import facts as inspection_facts
from inspection.detect import detect
from inspection.second_opinion import ask_magika, joined
from sandbox import pool
from sandbox.outcomes import SandboxError

_INNER = (
    "words",
    "values",
    "numbers",
    "likeness",
    "read_by",
    "error",
    "fault",
)  # for comparing, not for people


@dataclass(frozen=True, kw_only=True)
class Detected:
    """The answer of API.md `detect/`."""

    format: str | None
    media_type: str
    confidence: float
    extension_matches: bool
    encrypted: bool
    facts: dict[str, Any] = field(default_factory=dict)
    opinions: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def detect_file(*, file: IncomingFile) -> Detected:
    """Judge one upload. Nothing is stored; malice is only told, a PDF over a limit is refused."""
    filename = printable_name(file.original_name)
    found = detect(file.path, filename)
    if found.format == "pdf":
        refuse_large_pdf(file.path, filename, None)
    label, score = (None, 0.0) if found.empty else ask_magika(file.path)
    flags = ("empty", "malicious", "archive_bomb", "points_elsewhere", "damaged")
    said = [f"The file is {name.replace('_', ' ')}." for name in flags if getattr(found, name)]
    safe = found.format and not (found.malicious or found.archive_bomb or found.encrypted)
    return Detected(
        format=found.format,
        media_type=found.media_type,
        confidence=joined(found.format, found.confidence, label, score),
        extension_matches=found.extension_matches,
        encrypted=found.encrypted,
        facts=facts_of(file.path, found.format) if safe and found.format else {},
        opinions={
            "filemill": {"format": found.format, "confidence": found.confidence},
            "magika": {"label": label, "confidence": round(score, 3)},
        },
        warnings=(*found.warnings, *said),
    )


def facts_of(path: Path, code: str) -> dict[str, Any]:
    """Pages, size, duration …; empty when the file can't be read. In a sandboxed child."""
    try:
        parent = pool.server(inspection_facts.preload_for({code}))
        items = [inspection_facts.item(path, code)]
        returned = parent.call(
            "inspection.facts:facts_of_all", items, profile="inspect", readable=(path,)
        )
    except SandboxError:
        return {}
    known: dict[str, Any] = returned.value[0]
    return {name: value for name, value in known.items() if name not in _INNER}
