"""Tesseract (Apache-2.0): the text of pictures, as text, searchable PDF or hOCR.

Good at clean print from 200 dpi on; handwriting and tiny bitmap letters are not read.
Source: https://tesseract-ocr.github.io/tessdoc/
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from conversions.engines.program import debian_version, has_bytes, nothing_written, run_program
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

LANGUAGES = r"^(eng|deu|fra|spa)(\+(eng|deu|fra|spa)){0,3}$"
_ENDINGS = {"txt": "txt", "pdf": "pdf"}


class Options(EngineOptions):
    """What language, and how the page is laid out."""

    language: str = Field(
        default="eng",
        pattern=LANGUAGES,
        description="Languages: eng, deu, fra, spa, joined by a plus sign.",
    )
    layout: Literal["auto", "column", "block", "line", "sparse"] = Field(
        default="auto", description="What is on the picture: a page, one column, a block, a line."
    )
    dpi: int | None = Field(
        default=None, ge=70, le=1200, description="Dots per inch, if the picture doesn't tell."
    )


_LAYOUTS = {"auto": "3", "column": "4", "block": "6", "line": "7", "sparse": "11"}


def find_version() -> str | None:
    """Version of the installed Tesseract."""
    return debian_version("tesseract-ocr", "tesseract")


def run(call: EngineCall) -> EngineResult:
    """Read one picture (of a TIFF: all pages)."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    ending = _ENDINGS[call.output_format]
    base = call.workdir / "read"
    words = ["tesseract", str(call.source), str(base), "-l", options.language]
    words += ["--psm", _LAYOUTS[options.layout]]
    words += ["--dpi", str(options.dpi)] if options.dpi else []
    call.progress(0.2, "reading the picture")
    said = run_program(call, [*words, "txt", ending], profile="page", name="Tesseract")
    text_file, made = base.with_suffix(".txt"), base.with_suffix(f".{ending}")
    text = text_file.read_text(encoding="utf-8", errors="replace") if text_file.exists() else ""
    if not text.strip() and call.output_format == "txt":
        raise InputRejected("No text was found in the picture.", code="engine_failed")
    if not has_bytes(made):
        raise nothing_written("Tesseract", said)
    made.rename(call.target)
    warnings = () if text.strip() else ("No text was found in the picture.",)
    words_found = len(text.split())
    return EngineResult(outputs=(call.target,), warnings=warnings, facts={"ocr_words": words_found})


SPEC = EngineSpec(
    id="tesseract",
    name="Tesseract",
    licence="Apache-2.0",
    routes=(
        Route(
            inputs=("png", "jpg", "tiff", "bmp", "webp"),
            outputs=("txt",),
            fidelity=50,
            loses=("looks", "pictures", "words that are not legible"),
        ),
        Route(
            inputs=("png", "jpg", "tiff", "bmp", "webp"),
            outputs=("pdf",),
            fidelity=70,
            loses=("words that are not legible",),
        ),
    ),
    options=Options,
    runner=Runner.PROCESS,
    queue=Queue.CONVERT,
    sandbox="page",
    seconds=1.5,
    units=1,
    find_version=find_version,
    run=run,
)
