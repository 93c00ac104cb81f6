"""The one list of engines, and what is checked about it at start."""

from __future__ import annotations

import functools
from collections import defaultdict

from conversions.engines import (
    archive_tools,
    archives,
    calibre,
    data,
    ffmpeg,
    film_subtitles,
    fonttools,
    ghostscript,
    image_tools,
    imagemagick,
    libreoffice,
    librsvg,
    mail,
    media_tools,
    ocr_pdf,
    openpyxl_engine,
    pandoc,
    pdf2docx_engine,
    pdf_tools,
    pikepdf_engine,
    pillow,
    poppler,
    pypdf_text,
    python_pptx,
    single_file,
    subtitles,
    tesseract,
    vips,
)
from conversions.engines.spec import EngineSpec, Route, Runner
from sandbox.profiles import PROFILES

ENGINES: tuple[EngineSpec, ...] = (
    pillow.SPEC,
    vips.SPEC,
    imagemagick.SPEC,
    librsvg.SPEC,
    pypdf_text.SPEC,
    pdf2docx_engine.SPEC,
    python_pptx.SPEC,
    openpyxl_engine.SPEC,
    subtitles.SPEC,
    fonttools.SPEC,
    data.SPEC,
    mail.SPEC,
    ffmpeg.SPEC,
    film_subtitles.SPEC,
    libreoffice.SPEC,
    pandoc.SPEC,
    calibre.SPEC,
    poppler.SPEC,
    ghostscript.SPEC,
    pikepdf_engine.SPEC,
    tesseract.SPEC,
    ocr_pdf.SPEC,
    archives.SPEC,
    single_file.SPEC,
)

# What tools do to a file beside converting it; the planner of routes never sees these.
OPERATIONS: tuple[EngineSpec, ...] = (
    *pdf_tools.SPECS,
    *ocr_pdf.SPECS,
    *image_tools.SPECS,
    *media_tools.SPECS,
    *archive_tools.SPECS,
)

BY_ID: dict[str, EngineSpec] = {spec.id: spec for spec in (*ENGINES, *OPERATIONS)}


def preload(engine: EngineSpec | None = None) -> tuple[str, ...]:
    """Modules for the warm parent of an engine: what all that share this parent import."""
    found = ["conversions.engines.registry"]
    alone = engine is not None and engine.own_parent
    for spec in (*ENGINES, *OPERATIONS):
        together = spec is engine if alone else not spec.own_parent
        if together and spec.runner is Runner.PYTHON and version(spec.id):
            found += [name for name in spec.preload if name not in found]
    return tuple(found)


@functools.cache
def version(engine_id: str) -> str | None:
    """Version of an installed engine; None when it is not here."""
    return BY_ID[engine_id].find_version()


def routes_between(source: str, target: str) -> list[tuple[EngineSpec, Route]]:
    """Installed engines that turn one format into another, best fidelity first."""
    found = [
        (spec, route)
        for spec in ENGINES
        for route in spec.routes
        if source in route.inputs and target in route.outputs and version(spec.id)
    ]
    return sorted(found, key=lambda pair: (-pair[1].fidelity, pair[0].units, pair[0].seconds))


@functools.cache
def index() -> dict[str, dict[str, tuple[str, ...]]]:
    """input → output → ids of installed engines, best first."""
    pairs = {
        (source, target)
        for spec in ENGINES
        for route in spec.routes
        for source in route.inputs
        for target in route.outputs
    }
    table: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for source, target in sorted(pairs):
        ids = tuple(dict.fromkeys(spec.id for spec, _ in routes_between(source, target)))
        if ids:
            table[source][target] = ids
    return dict(table)


def problems() -> list[str]:
    """What is wrong with the declarations; empty when all is well."""
    from inspection.formats import BY_CODE  # noqa: PLC0415 (keeps the child's imports few)

    found = []
    if len(BY_ID) != len(ENGINES) + len(OPERATIONS):
        found.append("two engines share an id")
    for spec in (*ENGINES, *OPERATIONS):
        if spec.sandbox not in PROFILES:
            found.append(f"{spec.id}: no sandbox profile {spec.sandbox!r}")
        fields = set(spec.options.model_fields)
        for route in spec.routes:
            codes = (*route.inputs, *route.outputs)
            found += [f"{spec.id}: unknown format {c!r}" for c in codes if c not in BY_CODE]
            unknown = set(route.options or ()) - fields
            found += [f"{spec.id}: unknown option {name!r}" for name in sorted(unknown)]
            if not 0 <= route.fidelity <= 100:
                found.append(f"{spec.id}: fidelity {route.fidelity} is not within 0–100")
    return found
