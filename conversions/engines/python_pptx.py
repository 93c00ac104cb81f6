"""python-pptx (MIT): the words of a presentation, as text or JSON.

Reads titles, text boxes, tables and speaker notes slide by slide; pictures and charts are left
out. Source: https://python-pptx.readthedocs.io
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import Field

from conversions.engines.package_check import open_package
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


class Options(EngineOptions):
    """What is taken along."""

    notes: bool = Field(default=True, description="Speaker notes as well.")


def find_version() -> str | None:
    """Version of the installed python-pptx."""
    try:
        return importlib.metadata.version("python-pptx")
    except importlib.metadata.PackageNotFoundError:
        return None


def _texts(shapes: Iterable[Any]) -> Iterator[str]:
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _texts(shape.shapes)
        elif getattr(shape, "has_table", False):
            for row in shape.table.rows:
                yield "\t".join(cell.text for cell in row.cells)
        elif getattr(shape, "has_text_frame", False) and shape.text_frame.text.strip():
            yield shape.text_frame.text.replace("\v", "\n")


def _slide(number: int, slide: Any, options: Options) -> dict[str, Any]:
    title = slide.shapes.title
    notes = ""
    if options.notes and slide.has_notes_slide:
        frame = slide.notes_slide.notes_text_frame
        notes = frame.text.strip() if frame is not None else ""
    texts = list(_texts(slide.shapes))
    name = title.text_frame.text if title is not None else None
    return {"number": number, "title": name, "texts": texts, "notes": notes or None}


def _as_text(slides: list[dict[str, Any]]) -> str:
    parts = []
    for slide in slides:
        lines = [f"Slide {slide['number']}", *slide["texts"]]
        if slide["notes"]:
            lines += ["", f"Notes: {slide['notes']}"]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def run(call: EngineCall) -> EngineResult:
    """Write the words of all slides. Runs in a sandboxed child."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    open_package(call.source)
    from pptx import Presentation  # noqa: PLC0415 (imported in the sandboxed child only)

    try:
        deck = Presentation(str(call.source))
        slides = [_slide(n, slide, options) for n, slide in enumerate(deck.slides, 1)]
    except MemoryError:
        raise
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"
        raise InputRejected("The presentation is damaged.", detail=detail) from error
    if call.output_format == "json":
        text = json.dumps({"slides": slides}, ensure_ascii=False, indent=2) + "\n"
    else:
        text = _as_text(slides)
    call.target.write_text(text, encoding="utf-8", newline="\n")
    call.progress(1.0, "done")
    return EngineResult(outputs=(call.target,), facts={"slides": len(slides)})


SPEC = EngineSpec(
    id="python_pptx",
    name="python-pptx",
    licence="MIT",
    routes=(
        Route(
            inputs=("pptx",),
            outputs=("txt", "json"),
            fidelity=50,
            loses=("layout", "pictures", "charts", "animations"),
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
    preload=("pptx",),
)
