"""OCR of PDF (Poppler, Tesseract, qpdf): scans become searchable; pages keep their looks.

Pages are drawn, read, and the words laid invisibly over the untouched page, so nothing is lost.
Pages that have text already are left alone unless forced. Sources: the three programs' manuals.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from pydantic import Field

from conversions.engines.page_ranges import PATTERN, pages_of
from conversions.engines.pdf_pages import look, password_arguments
from conversions.engines.program import debian_version, has_bytes, run_program
from conversions.engines.spec import (
    EngineCall,
    EngineCrashed,
    EngineOptions,
    EngineResult,
    EngineSpec,
    InputRejected,
    LimitExceeded,
    Queue,
    Route,
    Runner,
)

MAX_PAGES = 200  # one to three seconds a page
_FEW_CHARS = 20  # what page numbers and stamps have
_LANGUAGES = r"^(eng|deu|fra|spa)(\+(eng|deu|fra|spa)){0,3}$"


class Options(EngineOptions):
    """What language, which pages, how fine."""

    language: str = Field(
        default="eng",
        pattern=_LANGUAGES,
        description="Languages: eng, deu, fra, spa, joined by a plus sign.",
    )
    page_range: str | None = Field(
        default=None, max_length=200, pattern=PATTERN, description="Pages to read; all are kept."
    )
    dpi: int = Field(default=300, ge=100, le=600, description="Dots per inch for reading.")
    force: bool = Field(default=False, description="Read pages that have text already as well.")


def find_version() -> str | None:
    """Version of Tesseract, if the two others are here as well."""
    tools = ("tesseract", "pdftoppm", "qpdf")
    return debian_version("tesseract-ocr") if all(map(shutil.which, tools)) else None


def _page_text(call: EngineCall, number: int) -> str:
    piece = call.workdir / "page.txt"
    words = ["pdftotext", "-enc", "UTF-8", *password_arguments(call), "-layout"]
    argv = [*words, "-f", str(number), "-l", str(number), str(call.source), str(piece)]
    run_program(call, argv, profile="page", name="Poppler")
    return piece.read_text(encoding="utf-8", errors="replace")


def _read_page(call: EngineCall, options: Options, number: int) -> Path:
    """Words of one page on an empty page of the same size; the text beside it."""
    base = call.workdir / f"page-{number}"
    draw = ["pdftoppm", "-png", "-gray", "-singlefile", "-r", str(options.dpi)]
    draw += [*password_arguments(call), "-f", str(number), "-l", str(number)]
    run_program(call, [*draw, str(call.source), str(base)], profile="page", name="Poppler")
    read = ["tesseract", f"{base}.png", str(base), "-l", options.language]
    read += ["--dpi", str(options.dpi), "-c", "textonly_pdf=1", "txt", "pdf"]
    run_program(call, read, profile="page", name="Tesseract")
    base.with_suffix(".png").unlink()
    return base.with_suffix(".pdf")


def _overlay(call: EngineCall, layers: dict[int, Path]) -> None:
    words = ["qpdf", *([f"--password={call.password}", "--decrypt"] if call.password else [])]
    words += [str(call.source)]
    if layers:  # qpdf takes one overlay: all layers as one file
        whole = call.workdir / "layers.pdf"
        pages = [str(layer) for layer in layers.values()]
        argv = ["qpdf", "--empty", "--pages", *pages, "--", str(whole)]
        run_program(call, argv, profile="page", name="qpdf")
        words += ["--overlay", str(whole), "--to=" + ",".join(map(str, layers)), "--"]
    run_program(call, [*words, str(call.target)], profile="page", name="qpdf", accept=(0, 3))
    if not has_bytes(call.target):
        raise EngineCrashed("qpdf wrote no file.")


def run(call: EngineCall) -> EngineResult:
    """Read the pages one by one, then lay the words over them or write them down."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    pages = look(call)
    pages.check_pixels(options.dpi)
    numbers = [page + 1 for page in pages_of(options.page_range, pages.count)]
    if len(numbers) > MAX_PAGES:
        raise LimitExceeded(f"At most {MAX_PAGES} pages are read at once; choose a page range.")
    layers: dict[int, Path] = {}
    texts: list[str] = []
    for done, number in enumerate(numbers, 1):
        text = _page_text(call, number)
        if options.force or len("".join(text.split())) < _FEW_CHARS:
            layers[number] = _read_page(call, options, number)
            text = (call.workdir / f"page-{number}.txt").read_text("utf-8", "replace")
        texts.append(text.rstrip("\f\n"))
        call.progress(0.95 * done / len(numbers), "reading pages")
    return _finish(call, layers, texts, pages.count)


def _finish(
    call: EngineCall, layers: dict[int, Path], texts: list[str], count: int
) -> EngineResult:
    found = sum(len(text.split()) for text in texts)
    if call.output_format == "txt":
        if not found:
            raise InputRejected("No text was found on the pages.", code="engine_failed")
        call.target.write_text("\f".join(texts) + "\n", encoding="utf-8")
    else:
        _overlay(call, layers)
    warnings = ["No text was found on the pages."] if not found else []
    if not layers:
        warnings.append("The pages have text already; none was read anew.")
    facts = {"ocr_words": found, "ocr_pages": len(layers)}
    facts |= {"pages": count} if call.output_format == "pdf" else {}
    return EngineResult(outputs=(call.target,), warnings=tuple(warnings), facts=facts)


SPEC = EngineSpec(
    id="ocr",
    name="OCR of PDF",
    licence="Apache-2.0 (Tesseract, qpdf), GPL-2.0 (Poppler)",
    routes=(
        Route(inputs=("pdf",), outputs=("pdf",), fidelity=70),
        Route(
            inputs=("pdf",),
            outputs=("txt",),
            fidelity=50,
            loses=("looks", "pictures", "words that are not legible"),
        ),
    ),
    options=Options,
    runner=Runner.PROCESS,
    queue=Queue.CONVERT,
    sandbox="page",
    seconds=3.0,
    units=1,
    find_version=find_version,
    run=run,
)
