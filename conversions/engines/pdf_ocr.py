"""Tesseract (Apache-2.0): scans become searchable PDFs that look as before.

Poppler paints each page without text, Tesseract reads it, and pikepdf lays the recognised words
under the page, where they are found and copied but not seen. Pages with text of their own stay as
they are unless forced. Source: https://tesseract-ocr.github.io/tessdoc/
"""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import Any

from pydantic import Field

from conversions.engines.spec import (
    EngineCall,
    EngineError,
    EngineOptions,
    EngineResult,
    EngineSpec,
    InputRejected,
    LimitExceeded,
    OptionUnsupported,
    Queue,
    Route,
    Runner,
)

DATA = Path("/usr/share/tesseract-ocr/5/tessdata")
MAX_PAGES = 500
_ENOUGH = 10  # characters: a page with fewer is taken for a scan


class OcrOptions(EngineOptions):
    """What is read, and in which languages."""

    languages: str = Field(
        default="eng",
        max_length=60,
        pattern=r"^[A-Za-z_]{3,12}(\+[A-Za-z_]{3,12}){0,7}$",
        description="Tesseract's codes joined by +, as eng+deu.",
    )
    dpi: int = Field(default=300, ge=100, le=600, description="Dots per inch to read at.")
    force: bool = Field(default=False, description="Read pages that have text already, too.")


def installed_languages() -> frozenset[str]:
    """Codes of the trained data that is here."""
    return frozenset(path.stem for path in DATA.glob("*.traineddata")) - {"osd", "equ"}


def find_version() -> str | None:
    """Version of the installed Tesseract, as dpkg notes it."""
    if not shutil.which("tesseract") or not shutil.which("pdftoppm") or not installed_languages():
        return None
    status = Path("/var/lib/dpkg/status")
    text = status.read_text(errors="replace") if status.exists() else ""
    found = re.search(r"^Package: tesseract-ocr\n(?:.+\n)*?Version: (?:\d+:)?([\d.]+)", text, re.M)
    return found.group(1) if found else "unknown"


class _Clock:
    """What is left of the time."""

    def __init__(self, call: EngineCall) -> None:
        self.call, self.ends = call, time.monotonic() + call.deadline_s

    def run(self, argv: list[str]) -> None:
        """One program to its end."""
        from sandbox import runner  # noqa: PLC0415 (engines in the child never start programs)

        left = max(0.1, self.ends - time.monotonic())
        ended = runner.run(argv, profile="media", workdir=self.call.workdir, deadline_s=left)
        if ended.killed:
            raise LimitExceeded("Reading the pages took too long.", code="timed_out")
        if ended.returncode:
            tail = ended.stderr_tail[-800:]
            code = "file_encrypted" if "ncorrect password" in tail else None
            raise InputRejected("The PDF can't be painted.", detail=tail, code=code)


def run(call: EngineCall) -> EngineResult:
    """Read the pages without text, then lay the words under them."""
    options = call.options
    assert isinstance(options, OcrOptions)  # noqa: S101
    unknown = sorted(set(options.languages.split("+")) - installed_languages())
    if unknown:
        here = ", ".join(sorted(installed_languages()))
        raise OptionUnsupported(f"No data for {', '.join(unknown)} here; there are: {here}.")
    clock = _Clock(call)
    listing = call.workdir / "text.txt"
    clock.run(["pdftotext", "-enc", "UTF-8", str(call.source), str(listing)])
    pages = listing.read_text(encoding="utf-8", errors="replace").split("\f")[:-1]
    if len(pages) > MAX_PAGES:
        raise LimitExceeded(f"The PDF has {len(pages)} pages; at most {MAX_PAGES} are read.")
    scans = [n for n, text in enumerate(pages) if options.force or len(text.strip()) < _ENOUGH]
    texts: dict[str, str] = {}
    for done, number in enumerate(scans):
        texts[str(number)] = _read_page(clock, call, options, number)
        call.progress(0.9 * (done + 1) / len(scans), f"reading page {number + 1}")
    made = _overlay(call, texts, clock)
    warnings = [*made["warnings"]]
    if not scans:
        warnings.append("Every page has text already; nothing was read.")
    facts = {"pages": made["pages"], "read": len(scans)}
    return EngineResult(outputs=(call.target,), warnings=tuple(warnings), facts=facts)


def _read_page(clock: _Clock, call: EngineCall, options: OcrOptions, number: int) -> str:
    page, stem = str(number + 1), call.workdir / f"page-{number + 1}"
    paint = ["pdftoppm", "-r", str(options.dpi), "-gray", "-png", "-singlefile", "-cropbox"]
    clock.run([*paint, "-f", page, "-l", page, str(call.source), str(stem)])
    picture = stem.with_suffix(".png")
    words = ["env", "OMP_THREAD_LIMIT=1", "tesseract", str(picture), str(stem), "--dpi"]
    more = [str(options.dpi), "-l", options.languages, "-c", "textonly_pdf=1", "pdf"]
    clock.run([*words, *more])
    picture.unlink(missing_ok=True)
    return str(stem.with_suffix(".pdf"))


def _overlay(call: EngineCall, texts: dict[str, str], clock: _Clock) -> dict[str, Any]:
    """pikepdf works on the untrusted file in a sandboxed child of the warm parent."""
    from conversions.engines import registry  # noqa: PLC0415 (the registry imports this file)
    from sandbox import pool  # noqa: PLC0415

    payload = {"source": str(call.source), "target": str(call.target), "texts": texts}
    returned = pool.server(registry.preload()).call(
        "conversions.engines.pdf_ocr_overlay:work",
        payload,
        profile="document",
        workdir=call.workdir,
        deadline_s=max(0.1, clock.ends - time.monotonic()),
    )
    made: dict[str, Any] = returned.value
    if "failure" in made:
        failure = made["failure"]
        raise EngineError(failure["public"], detail=failure["detail"], code=failure["code"])
    return made


SPECS: tuple[EngineSpec, ...] = (
    EngineSpec(
        id="pdf_ocr",
        name="Tesseract",
        licence="Apache-2.0",
        routes=(Route(inputs=("pdf",), outputs=("pdf",), fidelity=95),),
        options=OcrOptions,
        runner=Runner.PROCESS,
        queue=Queue.MEDIA,
        sandbox="media",
        seconds=5.0,
        units=1,
        find_version=find_version,
        run=run,
    ),
)
