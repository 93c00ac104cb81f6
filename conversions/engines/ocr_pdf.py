"""OCR of PDF (Tesseract, Apache-2.0; Poppler, GPL-2.0; pikepdf, MPL-2.0): scans become searchable.

Poppler paints each page without text, Tesseract reads it, and pikepdf lays the recognised words
under the page, where they are found and copied but not seen. Pages with text of their own stay as
they are unless forced. Source: https://tesseract-ocr.github.io/tessdoc/
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from conversions.engines.page_ranges import PATTERN, pages_of
from conversions.engines.pdf_open import open_pike
from conversions.engines.pdf_pages import look, password_arguments
from conversions.engines.program import debian_version, run_program
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
MAX_PAGES = 500  # one to three seconds a page
_FEW_CHARS = 20  # what page numbers and stamps have: such a page is taken for a scan


class ToolOptions(EngineOptions):
    """What is read, and in which languages."""

    languages: str = Field(
        default="eng",
        max_length=60,
        pattern=r"^[A-Za-z_]{3,12}(\+[A-Za-z_]{3,12}){0,7}$",
        description="Tesseract's codes joined by +, as eng+deu.",
    )
    dpi: int = Field(default=300, ge=100, le=600, description="Dots per inch to read at.")
    force: bool = Field(default=False, description="Read pages that have text already, too.")


class Options(EngineOptions):
    """What language, which pages, how fine."""

    language: str = Field(
        default="eng",
        pattern=r"^(eng|deu|fra|spa)(\+(eng|deu|fra|spa)){0,3}$",
        description="Languages: eng, deu, fra, spa, joined by a plus sign.",
    )
    page_range: str | None = Field(
        default=None, max_length=200, pattern=PATTERN, description="Pages to read; all are kept."
    )
    dpi: int = Field(default=300, ge=100, le=600, description="Dots per inch for reading.")
    force: bool = Field(default=False, description="Read pages that have text already as well.")


@dataclass
class _Reading:
    """What was found so far: texts of the wanted pages, layers by zero-based page number."""

    texts: list[str] = field(default_factory=list)
    layers: dict[int, Path] = field(default_factory=dict)

    @property
    def words(self) -> int:
        return sum(len(text.split()) for text in self.texts)


def installed_languages() -> frozenset[str]:
    """Codes of the trained data that is here."""
    return frozenset(path.stem for path in DATA.glob("*.traineddata")) - {"osd", "equ"}


def find_version() -> str | None:
    """Version of Tesseract, if Poppler and a language are here as well."""
    here = debian_version("tesseract-ocr", "tesseract", "pdftoppm")
    return here if installed_languages() else None


def _check_languages(languages: str) -> str:
    unknown = sorted(set(languages.split("+")) - installed_languages())
    if unknown:
        here = ", ".join(sorted(installed_languages()))
        raise OptionUnsupported(f"No data for {', '.join(unknown)} here; there are: {here}.")
    return languages


def _page_texts(call: EngineCall) -> list[str]:
    """What each page says by itself."""
    listing = call.workdir / "text.txt"
    argv = ["pdftotext", "-enc", "UTF-8", "-layout", *password_arguments(call)]
    run_program(call, [*argv, str(call.source), str(listing)], profile="page", name="Poppler")
    return listing.read_text(encoding="utf-8", errors="replace").split("\f")


def _read_page(call: EngineCall, number: int, languages: str, dpi: int) -> tuple[str, Path]:
    """(text, PDF of that text alone) of one page, counted from 0."""
    page, base = str(number + 1), call.workdir / f"page-{number + 1}"
    paint = ["pdftoppm", "-r", str(dpi), "-gray", "-png", "-singlefile", "-cropbox"]
    paint += [*password_arguments(call), "-f", page, "-l", page, str(call.source), str(base)]
    run_program(call, paint, profile="page", name="Poppler")
    read = ["tesseract", f"{base}.png", str(base), "-l", languages, "--dpi", str(dpi)]
    read += ["-c", "textonly_pdf=1", "txt", "pdf"]
    layer = base.with_suffix(".pdf")
    run_program(call, read, profile="page", name="Tesseract", writes=layer)
    base.with_suffix(".png").unlink()
    return base.with_suffix(".txt").read_text("utf-8", "replace"), layer


def _read(call: EngineCall, languages: str, page_range: str | None) -> tuple[_Reading, int]:
    """Every wanted page, and how many there are in all."""
    options: Any = call.options
    pages = look(call)
    pages.check_pixels(options.dpi)
    numbers = pages_of(page_range, pages.count)
    if len(numbers) > MAX_PAGES:
        raise LimitExceeded(f"At most {MAX_PAGES} pages are read at once; choose a page range.")
    own = _page_texts(call)
    found = _Reading()
    for done, number in enumerate(numbers, 1):
        text = own[number] if number < len(own) else ""
        if options.force or len("".join(text.split())) < _FEW_CHARS:
            text, found.layers[number] = _read_page(call, number, languages, options.dpi)
        found.texts.append(text.rstrip("\f\n"))
        call.progress(0.9 * done / len(numbers), f"reading page {number + 1}")
    return found, pages.count


def lay_words(payload: dict[str, Any], report: Callable[[float, str], None]) -> dict[str, Any]:
    """In the sandboxed child: {source, target, password, layers: {page: text-only PDF}}.

    Returns {warnings} or {failure}.
    """
    import pikepdf  # noqa: PLC0415 (imported in the sandboxed child only)

    warnings: list[str] = []
    try:
        with open_pike(Path(payload["source"]), payload["password"], warnings) as pdf:
            for number, path in payload["layers"].items():
                page = pdf.pages[int(number)]
                with pikepdf.open(path) as text:
                    mine = text.pages[0]
                    turned = int(page.obj.get("/Rotate", 0)) % 360
                    mine.obj.Rotate = (360 - turned) % 360
                    page.add_underlay(mine, pikepdf.Rectangle(*map(float, page.cropbox)))
            pdf.save(payload["target"], encryption=False)
    except EngineError as error:
        return error.told()
    return {"warnings": warnings}


def _searchable(call: EngineCall, layers: dict[int, Path]) -> list[str]:
    """Write the PDF with its layers; what has to be warned of."""
    payload = {
        "source": str(call.source),
        "target": str(call.target),
        "password": call.password,
        "layers": {str(number): str(path) for number, path in layers.items()},
    }
    return list(call.in_child("conversions.engines.ocr_pdf:lay_words", payload)["warnings"])


def run(call: EngineCall) -> EngineResult:
    """Read the pages one by one, then lay the words under them or write them down."""
    options = call.options
    if isinstance(options, Options):
        found, count = _read(call, _check_languages(options.language), options.page_range)
    else:
        assert isinstance(options, ToolOptions)  # noqa: S101
        found, count = _read(call, _check_languages(options.languages), None)
    facts = {"ocr_words": found.words, "read": len(found.layers)}
    if call.output_format == "txt":
        if not found.words:
            raise InputRejected("No text was found on the pages.", code="engine_failed")
        call.target.write_text("\f".join(found.texts) + "\n", encoding="utf-8")
        return EngineResult(outputs=(call.target,), facts=facts)
    warnings = _searchable(call, found.layers)
    if not found.words:
        warnings.append("No text was found on the pages.")
    if not found.layers:
        warnings.append("Every page has text already; nothing was read.")
    facts["pages"] = count
    return EngineResult(outputs=(call.target,), warnings=tuple(warnings), facts=facts)


def _spec(name: str, routes: tuple[Route, ...], options: type[EngineOptions]) -> EngineSpec:
    return EngineSpec(
        id=name,
        name="OCR of PDF",
        licence="Apache-2.0 (Tesseract), GPL-2.0 (Poppler), MPL-2.0 (pikepdf)",
        routes=routes,
        options=options,
        runner=Runner.PROCESS,
        queue=Queue.MEDIA,
        sandbox="media",
        seconds=3.0,
        units=1,
        find_version=find_version,
        run=run,
    )


SPEC = _spec(
    "ocr",
    (
        Route(inputs=("pdf",), outputs=("pdf",), fidelity=70),
        Route(
            inputs=("pdf",),
            outputs=("txt",),
            fidelity=50,
            loses=("looks", "pictures", "words that are not legible"),
        ),
    ),
    Options,
)

SPECS = (_spec("pdf_ocr", (Route(inputs=("pdf",), outputs=("pdf",), fidelity=95),), ToolOptions),)
