"""pikepdf (MPL-2.0, on qpdf, Apache-2.0): the structure of a PDF, its pages left as they are.

Chooses, orders, turns and parts pages, locks and unlocks, mends and linearises. Scripts and launch
actions are dropped. Source: https://pikepdf.readthedocs.io
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from conversions.engines import pdf_write
from conversions.engines.page_ranges import PATTERN, pages_of
from conversions.engines.pdf_open import MAX_PAGES, open_pike, pikepdf_version
from conversions.engines.spec import (
    EngineCall,
    EngineOptions,
    EngineResult,
    EngineSpec,
    Queue,
    Route,
    Runner,
)


class Options(EngineOptions):
    """What is done with the pages and the file."""

    page_range: str | None = Field(
        default=None, max_length=200, pattern=PATTERN, description="Pages to keep, such as 1-3,5."
    )
    reverse: bool = Field(default=False, description="Last page first.")
    rotate: Literal[0, 90, 180, 270] = Field(default=0, description="Degrees, clockwise.")
    rotate_pages: str | None = Field(
        default=None, max_length=200, pattern=PATTERN, description="Pages to turn; else all."
    )
    split_every: int | None = Field(
        default=None, ge=1, le=MAX_PAGES, description="One file for each so many pages."
    )
    user_password: str | None = Field(
        default=None, min_length=1, max_length=127, description="Password to open the result."
    )
    owner_password: str | None = Field(
        default=None, min_length=1, max_length=127, description="Password to change the result."
    )
    allow_printing: bool = Field(default=True, description="Locked results may be printed.")
    allow_copying: bool = Field(default=True, description="Text may be copied from locked results.")
    linearize: bool = Field(default=False, description="Arrange for fast display on the web.")


def _turn(pdf: Any, options: Options) -> None:
    if options.rotate:
        for number in pages_of(options.rotate_pages, len(pdf.pages)):
            pdf.pages[number].rotate(options.rotate, relative=True)


def _choose(pdf: Any, options: Options) -> None:
    wanted = set(pages_of(options.page_range, len(pdf.pages)))
    for number in reversed(range(len(pdf.pages))):
        if number not in wanted:
            del pdf.pages[number]
    if options.reverse:
        pdf.pages.reverse()


def _lock(options: Options) -> Any:
    """What the passwords close; False when there are none."""
    if not (options.user_password or options.owner_password):
        return False
    return pdf_write.lock(
        options.user_password or "",
        options.owner_password or options.user_password or "",
        printing=options.allow_printing,
        copying=options.allow_copying,
        editing=False,
    )


def run(call: EngineCall) -> EngineResult:
    """Turn, choose, then write; a password that opened the source is gone from the result."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    warnings: list[str] = []
    with open_pike(call.source, call.password, warnings) as pdf:
        _turn(pdf, options)
        _choose(pdf, options)
        pages = len(pdf.pages)
        how = {"encryption": _lock(options), "linearize": options.linearize}
        outputs: tuple[Path, ...] = (call.target,)
        if options.split_every:
            outputs = pdf_write.save_parts(
                pdf, pdf_write.every(pages, options.split_every), call, **how
            )
        else:
            pdf_write.save(pdf, call.target, call, **how)
    return EngineResult(outputs=outputs, warnings=tuple(warnings), facts={"kept_pages": pages})


SPEC = EngineSpec(
    id="pikepdf",
    name="pikepdf",
    licence="MPL-2.0",
    routes=(Route(inputs=("pdf",), outputs=("pdf",), fidelity=100, loses=("scripts",)),),
    options=Options,
    runner=Runner.PYTHON,
    queue=Queue.CONVERT,
    sandbox="document",
    seconds=0.1,
    units=1,
    find_version=pikepdf_version,
    run=run,
    preload=("pikepdf",),
)
