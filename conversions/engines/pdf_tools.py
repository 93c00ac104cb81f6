"""pikepdf (MPL-2.0): merge, split, compress, rotate, lock, unlock, mark and clean PDFs.

Each operation is an engine of its own with its own options; they are reached by tools and never
part of a route between formats. Scripts and launch actions never survive any of them.
Source: https://pikepdf.readthedocs.io/
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field

from conversions.engines import (
    pdf_tools_compress,
    pdf_tools_marks,
    pdf_tools_pages,
)
from conversions.engines.page_ranges import PATTERN
from conversions.engines.pdf_open import pikepdf_version
from conversions.engines.spec import (
    EngineCall,
    EngineOptions,
    EngineResult,
    EngineSpec,
    Queue,
    Route,
    Runner,
)

PAGES = Field(default=None, max_length=200, pattern=PATTERN, description="Pages such as 1-3,5.")


class MergeOptions(EngineOptions):
    """How files are joined."""

    bookmarks: Literal["keep", "files", "none"] = Field(
        default="keep", description="keep: all. files: below one for each file. none: no bookmarks."
    )


class SplitOptions(EngineOptions):
    """Where a PDF is cut."""

    mode: Literal["every", "ranges", "bookmarks"] = Field(
        default="every", description="every: n pages each. ranges. bookmarks: at the top level."
    )
    every: int = Field(default=1, ge=1, le=5000, description="Pages of each part (mode=every).")
    ranges: str | None = Field(
        default=None, max_length=2000, pattern=PATTERN, description="One file each, as 1-3,4-6."
    )


class CompressOptions(EngineOptions):
    """How far pictures are reduced."""

    level: Literal["low", "medium", "high"] = Field(
        default="medium", description="low: no loss. medium: 150 dpi. high: 96 dpi, quality 50."
    )
    dpi: int | None = Field(default=None, ge=36, le=1200, description="Dots per inch to keep.")
    quality: int | None = Field(default=None, ge=1, le=100, description="Of JPEG pictures.")
    strip_metadata: bool = Field(default=False, description="Remove title, author, dates too.")


class RotateOptions(EngineOptions):
    """Which way pages turn."""

    angle: Literal["90", "180", "270"] = Field(default="90", description="Degrees, clockwise.")
    page_range: str | None = PAGES


class ProtectOptions(EngineOptions):
    """What readers may do; the new password is the request's `password`."""

    allow_print: bool = Field(default=True, description="May be printed.")
    allow_copy: bool = Field(default=True, description="Text may be copied.")
    allow_edit: bool = Field(default=True, description="May be changed.")


class UnlockOptions(EngineOptions):
    """None; the password is the request's `password`."""


class WatermarkOptions(EngineOptions):
    """The words and their looks."""

    text: str = Field(
        default="CONFIDENTIAL", min_length=1, max_length=120, description="What is written."
    )
    size: int = Field(default=60, ge=6, le=400, description="Points; shrunk to fit the page.")
    opacity: float = Field(default=0.25, ge=0.02, le=1, description="0.02–1.")
    angle: int = Field(default=45, ge=-180, le=180, description="Degrees, counter-clockwise.")
    color: str = Field(default="#808080", pattern=r"^#[0-9a-fA-F]{6}$", description="Colour.")
    position: Literal["center", "top", "bottom"] = Field(default="center", description="Where.")
    layer: Literal["over", "under"] = Field(default="over", description="Over or under the page.")
    page_range: str | None = PAGES


class StripOptions(EngineOptions):
    """None."""


def _spec(
    name: str, title: str, options: type[EngineOptions], run: Callable[[EngineCall], EngineResult]
) -> EngineSpec:
    return EngineSpec(
        id=f"pdf_{name}",
        name=f"pikepdf ({title})",
        licence="MPL-2.0",
        routes=(Route(inputs=("pdf",), outputs=("pdf",), fidelity=95),),
        options=options,
        runner=Runner.PYTHON,
        queue=Queue.CONVERT,
        sandbox="document",
        seconds=0.3,
        units=1,
        find_version=pikepdf_version,
        run=run,
        preload=("pikepdf", "conversions.engines.pdf_tools_marks"),
    )


def _with(work: Callable[[EngineCall, Any], EngineResult]) -> Callable[[EngineCall], EngineResult]:
    return lambda call: work(call, call.options)


SPECS: tuple[EngineSpec, ...] = (
    _spec("merge", "merge", MergeOptions, _with(pdf_tools_pages.merge)),
    _spec("split", "split", SplitOptions, _with(pdf_tools_pages.split)),
    _spec("rotate", "rotate", RotateOptions, _with(pdf_tools_pages.rotate)),
    _spec("compress", "compress", CompressOptions, _with(pdf_tools_compress.compress)),
    _spec("protect", "protect", ProtectOptions, _with(pdf_tools_marks.protect)),
    _spec("unlock", "unlock", UnlockOptions, pdf_tools_marks.unlock),
    _spec("watermark", "watermark", WatermarkOptions, _with(pdf_tools_marks.watermark)),
    _spec("strip", "clean", StripOptions, _with(pdf_tools_marks.strip)),
)
