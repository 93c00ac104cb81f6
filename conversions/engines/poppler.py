"""Poppler (GPL-2.0): PDF to pictures, drawings, text that keeps its layout, and web pages.

Exact and quick on sound files; one picture per page. Source: https://poppler.freedesktop.org
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import Literal

from pydantic import Field

from conversions.engines.page_ranges import PATTERN
from conversions.engines.pdf_pages import NO_TEXT, Pages, look, password_arguments, runs
from conversions.engines.program import debian_version, has_bytes, nothing_written, run_program
from conversions.engines.right_to_left import in_reading_order
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

MAX_PICTURES = 500
_AT_ONCE = 8  # a start in the sandbox costs as much as a page
_PICTURES = {"png": "-png", "jpg": "-jpeg", "tiff": "-tiff"}


class Options(EngineOptions):
    """Which pages, how fine."""

    page_range: str | None = Field(
        default=None, max_length=200, pattern=PATTERN, description="Pages such as 1-3,5."
    )
    dpi: int = Field(default=150, ge=18, le=1200, description="Dots per inch of pictures.")
    quality: int = Field(default=85, ge=1, le=100, description="JPEG quality, 100 is best.")
    colors: Literal["color", "gray", "mono"] = Field(
        default="color", description="Colours of pictures: color, gray or black and white."
    )
    transparent: bool = Field(default=False, description="PNG: leave the paper transparent.")
    layout: bool = Field(default=True, description="Text: keep columns where they stand.")
    separator: Literal["form_feed", "blank_line"] = Field(
        default="form_feed", description="Text: what stands between pages."
    )


def find_version() -> str | None:
    """Version of the installed poppler-utils."""
    return debian_version("poppler-utils", "pdftocairo")


def _chosen(call: EngineCall, options: Options) -> tuple[Pages, list[tuple[int, int]], int]:
    pages = look(call)
    parts = runs(options.page_range, pages.count)
    return pages, parts, sum(last - first + 1 for first, last in parts)


def _name(call: EngineCall, number: int, total: int) -> Path:
    if total == 1:
        return call.target
    return call.target.with_name(f"{call.target.stem}-{number}{call.target.suffix}")


def _picture_words(call: EngineCall, options: Options) -> list[str]:
    kind = call.output_format
    words = ["pdftocairo", _PICTURES[kind], "-r", str(options.dpi), *password_arguments(call)]
    if options.colors != "color" and kind != "jpg":
        words.append(f"-{options.colors}")
    if options.colors == "gray" and kind == "jpg":
        words.append("-gray")
    if kind == "jpg":
        words += ["-jpegopt", f"quality={options.quality}"]
    if kind == "tiff":
        words += ["-tiffcompression", "lzw"]
    if options.transparent and kind == "png" and options.colors == "color":
        words.append("-transp")
    return words


def _pictures(call: EngineCall, options: Options) -> EngineResult:
    """A few pages at a time, so that progress is true; drawings one by one: svg has no pages."""
    pages, parts, total = _chosen(call, options)
    drawing = call.output_format == "svg"
    if total > MAX_PICTURES:
        text = f"At most {MAX_PICTURES} pages become pictures at once; choose a page range."
        raise InputRejected(text, code="limit_exceeded")
    if not drawing:
        pages.check_pixels(options.dpi)
    words = (
        ["pdftocairo", "-svg", *password_arguments(call)]
        if drawing
        else _picture_words(call, options)
    )
    made: list[Path] = []
    step = 1 if drawing else _AT_ONCE
    few = [(n, min(n + step - 1, b)) for a, b in parts for n in range(a, b + 1, step)]
    for first, last in few:
        argv = [*words, "-f", str(first), "-l", str(last), str(call.source)]
        drawn = _drawn(call, argv)
        if len(drawn) != last - first + 1 or not all(map(has_bytes, drawn)):
            raise nothing_written("Poppler")
        for one in drawn:
            made.append(one.rename(_name(call, len(made) + 1, total)))
        call.progress(len(made) / total, "drawing pages")
    return EngineResult(outputs=tuple(made), facts={"pages": total})


def _drawn(call: EngineCall, argv: list[str]) -> list[Path]:
    """Files of one run in the order of their pages; pdftocairo pads numbers to one width."""
    place = call.workdir / "drawn"
    place.mkdir(exist_ok=True)
    name = place / ("page.svg" if call.output_format == "svg" else "page")
    run_program(call, [*argv, str(name)], profile="page", name="Poppler")
    return sorted(place.iterdir())


def _text(call: EngineCall, options: Options) -> EngineResult:
    _, parts, total = _chosen(call, options)
    words = ["pdftotext", "-enc", "UTF-8", *password_arguments(call)]
    words += ["-layout"] if options.layout else []
    pieces: list[str] = []
    for first, last in parts:
        piece = call.workdir / f"part-{first}.txt"
        argv = [*words, "-f", str(first), "-l", str(last), str(call.source), str(piece)]
        run_program(call, argv, profile="page", name="Poppler")
        pieces += piece.read_text(encoding="utf-8", errors="replace").split("\f")[:-1]
        call.progress(len(pieces) / total, "extracting text")
    mark = "\f" if options.separator == "form_feed" else "\n\n"
    text = mark.join(pieces)
    unsure = "" if text.strip() else NO_TEXT
    call.target.write_text(text, encoding="utf-8")
    return EngineResult(
        outputs=(call.target,),
        warnings=(unsure,) if unsure else (),
        facts={"pages": total},
        unsure=unsure,
    )


def _web_page(call: EngineCall, options: Options) -> EngineResult:
    _, parts, total = _chosen(call, options)
    if len(parts) > 1:
        text = "A web page takes one run of pages, such as 2-7."
        raise InputRejected(text, code="engine_failed")
    first, last = parts[0]
    if total > MAX_PICTURES:
        text = f"At most {MAX_PICTURES} pages at once; choose a page range."
        raise InputRejected(text, code="limit_exceeded")
    words = ["pdftohtml", "-s", "-noframes", "-dataurls", "-q", "-enc", "UTF-8"]
    words += ["-hidden"]  # the text below a scan that was read by OCR
    words += [*password_arguments(call), "-f", str(first), "-l", str(last)]
    words += [str(call.source), str(call.target)]
    run_program(call, words, profile="page", name="Poppler", writes=call.target)
    _entitle(call)
    page = call.target.read_text(encoding="utf-8", errors="replace")
    call.target.write_text(in_reading_order(page), encoding="utf-8")
    return EngineResult(outputs=(call.target,), facts={"pages": total})


def _entitle(call: EngineCall) -> None:
    """Where the PDF has no title, pdftohtml takes the path, which is no business of a reader."""
    page = call.target.read_bytes()
    name = Path(call.names[0]).stem if call.names else "Document"
    before, path, after = page.partition(str(call.target.with_suffix("")).encode())
    if path and before.endswith(b"<title>"):
        call.target.write_bytes(before + html.escape(name).encode() + after)


def run(call: EngineCall) -> EngineResult:
    """Draw, read or lay out the chosen pages."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    work = {"txt": _text, "html": _web_page}.get(call.output_format, _pictures)
    return work(call, options)


SPEC = EngineSpec(
    id="poppler",
    name="Poppler",
    licence="GPL-2.0",
    routes=(
        Route(
            inputs=("pdf",),
            outputs=("png", "tiff"),
            fidelity=80,
            loses=("text", "links"),
            options=("page_range", "dpi", "colors", "transparent"),
        ),
        Route(
            inputs=("pdf",),
            outputs=("jpg",),
            fidelity=75,
            loses=("text", "links", "fine detail"),
            options=("page_range", "dpi", "colors", "quality"),
        ),
        Route(
            inputs=("pdf",),
            outputs=("svg",),
            fidelity=85,
            loses=("links", "text as letters"),
            options=("page_range",),
        ),
        Route(
            inputs=("pdf",),
            outputs=("txt",),
            fidelity=62,
            loses=("looks", "pictures"),
            options=("page_range", "layout", "separator"),
        ),
        Route(
            inputs=("pdf",),
            outputs=("html",),
            fidelity=60,
            loses=("exact layout", "drawings"),
            options=("page_range",),
        ),
    ),
    options=Options,
    runner=Runner.PROCESS,
    queue=Queue.CONVERT,
    sandbox="page",
    seconds=0.2,
    units=1,
    find_version=find_version,
    run=run,
)
