"""pdf2docx (MIT, on PyMuPDF, which is AGPL-3.0): PDF to an editable Word document.

Rebuilds paragraphs, tables and pictures from what lies on the page; complicated layouts come out
as approximations, and scans as pictures. Source: https://pdf2docx.readthedocs.io
"""

from __future__ import annotations

import importlib.metadata
import logging
import warnings as python_warnings
from pathlib import Path
from typing import Any

from pydantic import Field

from conversions.engines.page_ranges import PATTERN, pages_of
from conversions.engines.pdf_open import open_pdf
from conversions.engines.spec import (
    EngineCall,
    EngineOptions,
    EngineResult,
    EngineSpec,
    InputRejected,
    OptionUnsupported,
    Queue,
    Route,
    Runner,
)

MAX_PAGES = 300  # about 0.15 s a page, measured


class Options(EngineOptions):
    """Which pages."""

    page_range: str | None = Field(
        default=None, max_length=200, pattern=PATTERN, description="Pages such as 1-3,5."
    )


def find_version() -> str | None:
    """Version of the installed pdf2docx."""
    try:
        return importlib.metadata.version("pdf2docx")
    except importlib.metadata.PackageNotFoundError:
        return None


class _Progress(logging.Handler):
    """pdf2docx tells its progress in log lines such as ``(3/10) Page 3``."""

    def __init__(self, call: EngineCall, pages: int) -> None:
        super().__init__()
        self.call, self.steps, self.done = call, max(1, 2 * pages), 0

    def emit(self, record: logging.LogRecord) -> None:
        if "Page" in record.getMessage():
            self.done += 1
            self.call.progress(min(0.95, self.done / self.steps), "rebuilding pages")


def _flattened(source: Path, call: EngineCall) -> Path:
    """A copy with fields, stamps and turned pages made plain, which pdf2docx would leave out."""
    import pymupdf  # noqa: PLC0415 (in the child only)

    library: Any = pymupdf
    with library.open(source, filetype="pdf") as document:
        if document.needs_pass:
            document.authenticate(call.password or "")
        turned = [page for page in document if page.rotation]
        if not turned and not any(page.first_annot or page.first_widget for page in document):
            return source
        for page in turned:
            page.remove_rotation()
        document.bake()
        flat = call.workdir / "flat.pdf"
        document.save(flat, encryption=library.PDF_ENCRYPT_KEEP)
    return flat


def _convert(source: Path, call: EngineCall, numbers: list[int]) -> None:
    with python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore")
        from pdf2docx import Converter  # noqa: PLC0415 (1 s and 150 MB: in the child only)

    source = _flattened(source, call)
    log = logging.getLogger()
    watcher = _Progress(call, len(numbers))
    log.addHandler(watcher)
    log.setLevel(logging.INFO)
    converter = Converter(str(source), call.password or "")
    try:
        converter.convert(str(call.target), pages=numbers, raw_exceptions=True)
    finally:
        log.removeHandler(watcher)
        converter.close()


def run(call: EngineCall) -> EngineResult:
    """Rebuild the chosen pages as DOCX. Runs in a sandboxed child."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    reader, warnings = open_pdf(call.source, call.password)
    numbers = pages_of(options.page_range, len(reader.pages))
    if len(numbers) > MAX_PAGES:
        text = f"At most {MAX_PAGES} pages become a DOCX at once; choose a page range."
        raise OptionUnsupported(text, code="limit_exceeded")
    try:
        _convert(call.source, call, numbers)
    except MemoryError:
        raise
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"
        raise InputRejected("The PDF's pages can't be rebuilt.", detail=detail) from error
    return EngineResult(
        outputs=(call.target,), warnings=tuple(warnings), facts={"pages": len(numbers)}
    )


SPEC = EngineSpec(
    id="pdf2docx",
    name="pdf2docx",
    licence="MIT (uses PyMuPDF, AGPL-3.0)",
    routes=(
        Route(
            inputs=("pdf",),
            outputs=("docx",),
            fidelity=75,
            loses=("exact layout", "forms", "annotations", "scripts"),
        ),
    ),
    options=Options,
    runner=Runner.PYTHON,
    queue=Queue.CONVERT,
    sandbox="document",
    seconds=1.5,
    units=1,
    find_version=find_version,
    run=run,
    preload=("pypdf", "pypdf.errors", "pdf2docx"),
    own_parent=True,  # PyMuPDF 2 with onnxruntime: 170 MB, 7 ms more per fork (measured)
)
