"""pysubs2 (MIT): subtitles among each other, and their words as plain text.

Times and words are kept in every format; colours, positions and fonts only among ASS and SSA.
Source: https://pysubs2.readthedocs.io/en/latest/formats.html
"""

from __future__ import annotations

import html
import importlib.metadata
import re
from typing import Any

from pydantic import Field

from conversions.engines.spec import (
    EngineCall,
    EngineOptions,
    EngineResult,
    EngineSpec,
    InputRejected,
    LimitExceeded,
    Queue,
    Route,
    Runner,
)

_NAMES = {
    "srt": "srt",
    "vtt": "vtt",
    "ass": "ass",
    "ssa": "ssa",
    "ttml": "ttml",
    "sub": "microdvd",
    "mpl2": "mpl2",
    "tmp": "tmp",
}
_MOST_BYTES = 32 << 20


# The first cue of MicroDVD often is the number of frames a second.
_RATE = re.compile(r"\s*\{[01]\}\{[01]\}(\d+(?:\.\d+)?)\s*\n")


class Options(EngineOptions):
    """How times are counted."""

    fps: float = Field(
        default=25.0, ge=1, le=240, description="Frames a second, for MicroDVD without its own."
    )
    shift: float = Field(
        default=0.0, ge=-86_400, le=86_400, description="Seconds that every cue comes later."
    )


# Blocks of WebVTT that are no cues, which the reader would add to the cue before.
_NOTES = re.compile(r"\n(?:NOTE|STYLE|REGION)(?:[ \t:][^\n]*)?(?:\n(?![^\n]*-->)[^\n]+)*(?=\n|\Z)")


_KARAOKE = re.compile(r"<\d[\d:.]*>")  # when each word is sung, within a cue


def _of_web(text: str) -> str:
    """WebVTT without the parts that its reader would take for words."""
    return _KARAOKE.sub("", _NOTES.sub("\n", text.replace("\r\n", "\n")))


def _of_escapes(found: Any, call: EngineCall) -> None:
    """WebVTT escapes signs as web pages do; the library leaves that to us."""
    for event in found.events:
        if call.input_format == "vtt":
            event.text = html.unescape(event.text)
        if call.output_format == "vtt":
            event.text = html.escape(event.text, quote=False)


def find_version() -> str | None:
    """Version of the installed pysubs2."""
    try:
        return importlib.metadata.version("pysubs2")
    except importlib.metadata.PackageNotFoundError:
        return None


def run(call: EngineCall) -> EngineResult:
    """Read all cues, write them anew. Runs in a sandboxed child."""
    import pysubs2  # noqa: PLC0415 (imported in the sandboxed child only)

    from inspection.text import decode_head, find_encoding  # noqa: PLC0415

    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    if call.source.stat().st_size > _MOST_BYTES:
        raise LimitExceeded("Subtitles of more than 32 MB are not taken.")
    text = decode_head(call.source, find_encoding(call.source), _MOST_BYTES).lstrip("\ufeff")
    text = _of_web(text) if call.input_format == "vtt" else text
    given: dict[str, Any] = {}
    if call.input_format == "sub":
        noted = _RATE.match(text)
        given = {"fps": float(noted[1]) if noted else options.fps}
        text = text[noted.end() :] if noted else text
    try:
        found = pysubs2.SSAFile.from_string(text, format_=_NAMES[call.input_format], **given)
    except Exception as error:  # its readers raise what their regular expressions do
        raise InputRejected("The subtitles can't be read.", detail=repr(error)) from error
    found.events = [event for event in found.events if event.plaintext.strip()]
    if not found.events:
        raise InputRejected("There is no subtitle in the file.")
    if options.shift:
        found.shift(s=options.shift)
    _of_escapes(found, call)
    call.progress(0.6, "writing")
    if call.output_format == "txt":
        made = "\n".join(event.plaintext for event in found.events) + "\n"
    else:
        extra = {"fps": options.fps} if call.output_format == "sub" else {}
        made = found.to_string(_NAMES[call.output_format], **extra)
    call.target.write_text(made, encoding="utf-8")
    call.progress(1.0, "done")
    return EngineResult(outputs=(call.target,), facts={"cues": len(found.events)})


_ALL = tuple(_NAMES)

SPEC = EngineSpec(
    id="pysubs2",
    name="pysubs2",
    licence="MIT",
    routes=(
        Route(
            inputs=_ALL,
            outputs=("srt", "vtt", "ass", "ssa", "ttml"),
            fidelity=93,
            loses=("positions and styles that the target does not know",),
        ),
        Route(
            inputs=_ALL,
            outputs=("sub", "mpl2", "tmp"),
            fidelity=80,
            loses=("styles", "times finer than the target's"),
        ),
        Route(inputs=_ALL, outputs=("txt",), fidelity=60, loses=("times", "styles")),
    ),
    options=Options,
    runner=Runner.PYTHON,
    queue=Queue.CONVERT,
    sandbox="document",
    seconds=0.1,
    units=1,
    find_version=find_version,
    run=run,
    preload=("pysubs2",),
)
