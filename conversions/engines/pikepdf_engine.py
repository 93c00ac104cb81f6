"""pikepdf (MPL-2.0, on qpdf, Apache-2.0): the structure of a PDF, its pages left as they are.

Chooses, orders, turns and parts pages, locks and unlocks, mends and linearises. Scripts and launch
actions are dropped. Source: https://pikepdf.readthedocs.io
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from conversions.engines.page_ranges import PATTERN, pages_of
from conversions.engines.spec import (
    EngineCall,
    EngineOptions,
    EngineResult,
    EngineSpec,
    InputRejected,
    LimitExceeded,
    Queue,
    Route,
    Runner,
)

if TYPE_CHECKING:
    from pikepdf import Pdf

MAX_PAGES = 5_000
MAX_PARTS = 500


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


def find_version() -> str | None:
    """Version of the installed pikepdf."""
    try:
        return importlib.metadata.version("pikepdf")
    except importlib.metadata.PackageNotFoundError:
        return None


def open_pdf(path: Path, password: str | None) -> Pdf:
    """Open within the limits; raises InputRejected or LimitExceeded."""
    import pikepdf  # noqa: PLC0415 (imported in the sandboxed child only)

    try:
        pdf = pikepdf.open(path, password=password or "")
        count = len(pdf.pages)
    except pikepdf.PasswordError as error:
        code = "password_wrong" if password else "file_encrypted"
        words = "The password does not open the PDF." if password else "The PDF is locked."
        raise InputRejected(words, code=code) from error
    except (pikepdf.PdfError, ValueError, TypeError, RuntimeError) as error:
        raise InputRejected("The PDF is damaged or cut off.", detail=str(error)) from error
    if not count:
        raise InputRejected("The PDF has no pages.")
    if count > MAX_PAGES:
        raise LimitExceeded(f"The PDF has {count} pages; at most {MAX_PAGES} are allowed.")
    if any(".kids" in warning.lower() or "loop" in warning for warning in pdf.get_warnings()):
        raise InputRejected("The PDF's pages are damaged.")
    return pdf


def drop_actions(pdf: Pdf) -> bool:
    """Remove scripts and launch actions; tells whether there were any."""
    root: Any = pdf.Root
    found = False
    for name in ("/OpenAction", "/AA"):
        if name in root and _is_active(root[name], name):
            del root[name]
            found = True
    if "/Names" in root and "/JavaScript" in root.Names:
        del root.Names["/JavaScript"]
        found = True
    for page in pdf.pages:
        found = _drop_from(page.obj) or found
        for note in page.obj.get("/Annots", []):
            found = _drop_from(note) or found
    return found


def _is_active(action: Any, name: str) -> bool:
    if name == "/AA":
        return True
    try:
        return str(action.get("/S")) in ("/JavaScript", "/Launch", "/SubmitForm", "/ImportData")
    except (AttributeError, ValueError, TypeError):
        return False  # a destination, which is a list


def _drop_from(holder: Any) -> bool:
    found = False
    try:
        for name in ("/AA", "/A"):
            if name in holder and _is_active(holder[name], name):
                del holder[name]
                found = True
    except (TypeError, ValueError):
        return found
    return found


def _turn(pdf: Pdf, options: Options) -> None:
    if options.rotate:
        for number in pages_of(options.rotate_pages, len(pdf.pages)):
            pdf.pages[number].rotate(options.rotate, relative=True)


def _choose(pdf: Pdf, options: Options) -> None:
    wanted = set(pages_of(options.page_range, len(pdf.pages)))
    for number in reversed(range(len(pdf.pages))):
        if number not in wanted:
            del pdf.pages[number]
    if options.reverse:
        pdf.pages.reverse()


def _save(pdf: Pdf, target: Path, options: Options) -> None:
    import pikepdf  # noqa: PLC0415

    lock: Any = False
    if options.user_password or options.owner_password:
        allow = pikepdf.Permissions(
            print_highres=options.allow_printing,
            print_lowres=options.allow_printing,
            extract=options.allow_copying,
            modify_other=False,
        )
        owner = options.owner_password or options.user_password or ""
        lock = pikepdf.Encryption(user=options.user_password or "", owner=owner, R=6, allow=allow)
    pdf.save(target, encryption=lock, linearize=options.linearize)


def _parts(pdf: Pdf, call: EngineCall, options: Options) -> tuple[Path, ...]:
    import pikepdf  # noqa: PLC0415

    every, count = options.split_every or 1, len(pdf.pages)
    if count > every * MAX_PARTS:
        raise LimitExceeded(f"At most {MAX_PARTS} files are made at once.")
    made: list[Path] = []
    for start in range(0, count, every):
        part = pikepdf.new()
        part.pages.extend(pdf.pages[start : start + every])
        target = call.target.with_name(f"{call.target.stem}-{len(made) + 1}{call.target.suffix}")
        _save(part, target, options)
        made.append(target)
        call.progress(min(1.0, (start + every) / count), "writing parts")
    return tuple(made)


def run(call: EngineCall) -> EngineResult:
    """Turn, choose, then write; a password that opened the source is gone from the result."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    with open_pdf(call.source, call.password) as pdf:
        warnings = ("Scripts and actions were removed.",) if drop_actions(pdf) else ()
        _turn(pdf, options)
        _choose(pdf, options)
        outputs: tuple[Path, ...] = (call.target,)
        pages = len(pdf.pages)
        if options.split_every:
            outputs = _parts(pdf, call, options)
        else:
            _save(pdf, call.target, options)
    return EngineResult(outputs=outputs, warnings=warnings, facts={"kept_pages": pages})


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
    find_version=find_version,
    run=run,
    preload=("pikepdf",),
)
