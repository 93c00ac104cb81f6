"""icalendar (BSD-2-Clause): calendars as tables.

One row for each event, task and journal entry, in the order of the file. Times are written as the
calendar says them (ISO 8601, with the offset where there is a zone); repeated events stay one row
with their rule, for they may go on for ever. Source: https://icalendar.readthedocs.io
"""

from __future__ import annotations

import csv
import importlib.metadata
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from conversions.engines.spec import (
    EngineCall,
    EngineOptions,
    EngineResult,
    EngineSpec,
    InputRejected,
    Queue,
    Route,
    Runner,
)

FORMATS = """
[data]
ics | Calendar | ics ical ifb | text/calendar | 'BEGIN:VCALENDAR'
"""
COLUMNS = ("kind", "summary", "start", "end", "location", "description", "organizer", "repeats")
_KINDS = ("VEVENT", "VTODO", "VJOURNAL")
_TEXTS = re.compile(r"^(SUMMARY|LOCATION|DESCRIPTION)(;[^:\n]*)?:(.*)$", re.M | re.I)


class Options(EngineOptions):
    """Nothing to choose: every entry is written."""


def find_version() -> str | None:
    """Version of the installed icalendar."""
    try:
        return importlib.metadata.version("icalendar")
    except importlib.metadata.PackageNotFoundError:
        return None


def read_facts(path: Path, code: str) -> dict[str, Any]:
    """{rows, columns, words} of a calendar by hand, for verification: without icalendar."""
    from inspection.text import decode_head, find_encoding  # noqa: PLC0415 (only when verifying)
    from inspection.words import digest  # noqa: PLC0415

    text = decode_head(path, find_encoding(path), 64 << 20)
    text = re.sub(r"\r?\n[ \t]", "", text)  # long lines are folded
    rows = len(re.findall(rf"^BEGIN:({'|'.join(_KINDS)})\s*$", text, re.M | re.I))
    values = (re.sub(r"\\[nN]", "\n", found[3]) for found in _TEXTS.finditer(text))
    words = digest("\n".join(re.sub(r"\\(.)", r"\1", value) for value in values))
    return {"rows": rows, "columns": len(COLUMNS), **words}


FACTS = {"ics": read_facts}


def run(call: EngineCall) -> EngineResult:
    """Read the calendar, write its rows. Runs in a sandboxed child."""
    from icalendar import Calendar  # noqa: PLC0415 (imported in the sandboxed child only)

    call.progress(0.1, "reading")
    try:
        calendars = Calendar.from_ical(call.source.read_bytes(), multiple=True)
        rows = [row for calendar in calendars for row in _rows(calendar)]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise InputRejected("The calendar is damaged.", detail=detail) from error
    if not rows:
        raise InputRejected("The calendar has no entries.", code="file_empty")
    call.progress(0.7, "writing")
    if call.output_format == "json":
        words = json.dumps(rows, ensure_ascii=False, indent=2)
        call.target.write_text(words + "\n", encoding="utf-8")
    else:
        with call.target.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
    return EngineResult(outputs=(call.target,), facts={"rows": len(rows), "columns": len(COLUMNS)})


def _rows(calendar: Any) -> Iterator[dict[str, str]]:
    for entry in calendar.walk():
        if entry.name in _KINDS:
            yield {
                "kind": entry.name.removeprefix("V").lower(),
                "summary": _plain(entry.get("SUMMARY")),
                "start": _moment(entry.get("DTSTART")),
                "end": _end(entry),
                "location": _plain(entry.get("LOCATION")),
                "description": _plain(entry.get("DESCRIPTION")),
                "organizer": _plain(entry.get("ORGANIZER")).removeprefix("mailto:"),
                "repeats": entry["RRULE"].to_ical().decode() if "RRULE" in entry else "",
            }


def _end(entry: Any) -> str:
    """As it is written, or the start and the duration."""
    for name in ("DTEND", "DUE"):
        if name in entry:
            return _moment(entry[name])
    if "DURATION" in entry and "DTSTART" in entry:
        return _moment(entry["DTSTART"].dt + entry["DURATION"].dt)
    return ""


def _plain(value: Any) -> str:
    """A property's text; one that is there several times is joined."""
    if isinstance(value, list):
        return "\n".join(str(one) for one in value)
    return "" if value is None else str(value)


def _moment(value: Any) -> str:
    """ISO 8601 of a date or time property."""
    moment = getattr(value, "dt", value)
    return moment.isoformat() if isinstance(moment, date) else _plain(moment)


SPEC = EngineSpec(
    id="calendars",
    name="icalendar",
    licence="BSD-2-Clause",
    routes=(
        Route(
            inputs=("ics",),
            outputs=("csv", "json"),
            fidelity=85,
            loses=("alarms", "attendees", "time zone tables"),
        ),
    ),
    options=Options,
    runner=Runner.PYTHON,
    queue=Queue.CONVERT,
    sandbox="document",
    seconds=0.1,
    units=1,
    find_version=find_version,
    run=run,
    preload=("icalendar",),
)
