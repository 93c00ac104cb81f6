"""Ghostscript (AGPL-3.0): PostScript to PDF and back, smaller PDFs, PDF/A, pictures of PostScript.

PostScript is a program: it runs without files (-dSAFER), without a network, and against the clock.
Source: https://ghostscript.readthedocs.io/en/latest/Use.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from conversions.engines.page_ranges import PATTERN
from conversions.engines.pdf_pages import look
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

_DEVICES = {"pdf": "pdfwrite", "ps": "ps2write", "eps": "eps2write"}
_PICTURES = {"png": "png16m", "jpg": "jpeg", "tiff": "tiff24nc"}
_PROFILE = Path("/usr/share/color/icc/ghostscript/srgb.icc")
_INTENT = """%!
[/_objdef {icc} /type /stream /OBJ pdfmark
[{icc} << /N 3 >> /PUT pdfmark
[{icc} (@profile@) (r) file /PUT pdfmark
[/_objdef {intent} /type /dict /OBJ pdfmark
[{intent} << /Type /OutputIntent /S /GTS_PDFA1 /DestOutputProfile {icc}
  /OutputConditionIdentifier (sRGB) >> /PUT pdfmark
[{Catalog} << /OutputIntents [ {intent} ] >> /PUT pdfmark
"""


class Options(EngineOptions):
    """How small, how strict, which pages."""

    compress: Literal["none", "screen", "ebook", "printer", "prepress"] = Field(
        default="none", description="Pictures in PDF: 72 (screen), 150 (ebook) or 300 dpi."
    )
    pdfa: Literal["none", "1b", "2b", "3b"] = Field(
        default="none", description="Archive form of PDF: PDF/A-1b, 2b, 3b, or none."
    )
    page_range: str | None = Field(
        default=None, max_length=200, pattern=PATTERN, description="Pages such as 1-3,5."
    )
    dpi: int = Field(default=150, ge=18, le=600, description="Dots per inch of pictures.")
    grayscale: bool = Field(default=False, description="PDF: turn colours into gray.")


def find_version() -> str | None:
    """Version of the installed Ghostscript."""
    return debian_version("ghostscript", "gs")


def _pdf_words(call: EngineCall, options: Options) -> list[str]:
    words = ["-dAutoRotatePages=/None"]
    if options.compress != "none":
        words.append(f"-dPDFSETTINGS=/{options.compress}")
    if options.grayscale:
        words += ["-sColorConversionStrategy=Gray", "-dProcessColorModel=/DeviceGray"]
    if options.pdfa == "none":
        return words
    intent = call.workdir / "intent.ps"
    intent.write_text(_INTENT.replace("@profile@", str(_PROFILE)))
    words += [f"-dPDFA={options.pdfa[0]}", "-dPDFACompatibilityPolicy=1"]
    words += ["-sColorConversionStrategy=RGB", f"--permit-file-read={_PROFILE}"]
    return [*words, str(intent)]


def _arguments(call: EngineCall, options: Options) -> list[str]:
    kind = call.output_format
    device = _DEVICES.get(kind) or _PICTURES[kind]
    target = call.target
    if kind == "eps" or (kind in _PICTURES and call.input_format != "eps"):  # a file per page
        target = target.with_name(f"{target.stem}-%d{target.suffix}")
    words = ["gs", "-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-dPARANOIDSAFER"]
    words += [f"-sDEVICE={device}", f"-sOutputFile={target}"]
    if kind in _PICTURES:
        words += [f"-r{options.dpi}", "-dTextAlphaBits=4", "-dGraphicsAlphaBits=4"]
    if call.input_format == "eps":
        words.append("-dEPSCrop")
    if options.page_range:
        words.append(f"-sPageList={options.page_range}")
    if call.password:
        words.append(f"-sPDFPassword={call.password}")
    words += _pdf_words(call, options) if kind == "pdf" else []
    return [*words, str(call.source)]


def _made(call: EngineCall) -> tuple[Path, ...]:
    if has_bytes(call.target):
        return (call.target,)
    stem, suffix = call.target.stem, call.target.suffix
    found: list[Path] = []
    while has_bytes(one := call.target.with_name(f"{stem}-{len(found) + 1}{suffix}")):
        found.append(one)
    if len(found) == 1:
        found[0].rename(call.target)
        return (call.target,)
    return tuple(found)


def run(call: EngineCall) -> EngineResult:
    """Run the PostScript or PDF through one device."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    if call.input_format == "pdf":
        look(call)
    call.progress(0.1, "drawing")
    said = run_program(call, _arguments(call, options), profile="page", name="Ghostscript")
    outputs = _made(call)
    if not outputs and "rror" in said:
        text = "The PostScript program failed." if call.input_format != "pdf" else "Damaged PDF."
        raise InputRejected(text, detail=said[-800:], code="engine_failed")
    if not outputs:
        raise nothing_written("Ghostscript", said)
    return EngineResult(outputs=outputs)


_FORM = ("page_range", "compress", "pdfa", "grayscale")

SPEC = EngineSpec(
    id="ghostscript",
    name="Ghostscript",
    licence="AGPL-3.0",
    routes=(
        Route(inputs=("ps", "eps"), outputs=("pdf",), fidelity=90, options=_FORM),
        Route(
            inputs=("pdf",),
            outputs=("pdf",),
            fidelity=80,
            loses=("forms", "attachments", "fine pictures"),
            options=_FORM,
        ),
        Route(
            inputs=("pdf",),
            outputs=("ps", "eps"),
            fidelity=70,
            loses=("links", "transparency", "forms"),
            options=("page_range",),
        ),
        Route(
            inputs=("ps", "eps"),
            outputs=("png", "jpg", "tiff"),
            fidelity=75,
            loses=("text", "sharpness at any size"),
            options=("dpi",),
        ),
    ),
    options=Options,
    runner=Runner.PROCESS,
    queue=Queue.CONVERT,
    sandbox="page",
    seconds=0.4,
    units=1,
    find_version=find_version,
    run=run,
)
