"""Calibre (GPL-3.0): e-books among each other, and documents to and from e-books.

Keeps chapters, pictures and metadata; layouts are simplified. PDF is left to LibreOffice, since
Calibre starts a whole browser for it. Books locked by their seller (DRM) are refused.
Source: https://manual.calibre-ebook.com/generated/en/ebook-convert.html
"""

from __future__ import annotations

import re
import shutil
from typing import Literal

from pydantic import Field

from conversions.engines.package_check import open_package
from conversions.engines.program import debian_version, run_program
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

_BOOKS = ("epub", "mobi", "azw3", "fb2", "htmlz", "txtz", "pdb")
_OLD_BOOKS = ("lit", "lrf", "rb", "pmlz")  # read only: nothing else could check what is written
_DOCUMENTS = ("docx", "html", "rtf", "odt", "txt")
_PACKAGES = ("epub", "htmlz", "txtz", "pmlz", "docx", "odt")
_STEP = re.compile(r"^(\d{1,3})% (.{0,80})")


class Options(EngineOptions):
    """What the book says about itself."""

    title: str | None = Field(default=None, max_length=200, description="Title of the book.")
    authors: str | None = Field(
        default=None, max_length=300, description="Authors, divided by ampersands."
    )
    language: str | None = Field(
        default=None, pattern=r"^[a-z]{2,3}$", description="Language code, such as en."
    )
    epub_version: Literal["2", "3"] = Field(default="3", description="Version of EPUB results.")
    table_of_contents: bool = Field(default=False, description="Put a contents page into the book.")


def find_version() -> str | None:
    """Version of the installed Calibre."""
    return debian_version("calibre", "ebook-convert")


def _arguments(call: EngineCall, options: Options) -> list[str]:
    # Calibre chooses its reader by the name; among its readers are recipes, which are programs.
    source = call.workdir / f"book.{call.input_format}"
    shutil.copyfile(call.source, source)
    target = call.workdir / f"result.{call.output_format}"
    words = ["ebook-convert", str(source), str(target)]
    for name in ("title", "authors", "language"):
        value = getattr(options, name)
        words += [f"--{name}={value}"] if value else []
    if call.output_format == "epub":
        words += [f"--epub-version={options.epub_version}"]
        words += ["--epub-inline-toc"] if options.table_of_contents else []
    if call.input_format == "html":
        words += ["--max-levels=0"]
    if call.output_format == "mobi":
        words += ["--mobi-file-type=old"]
    return words


def run(call: EngineCall) -> EngineResult:
    """Convert one book."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101

    def follow(line: str) -> None:
        if found := _STEP.match(line):
            call.progress(min(0.99, int(found.group(1)) / 100), "converting the book")

    if call.input_format in _PACKAGES:
        open_package(call.source)
    argv = _arguments(call, options)
    made = call.workdir / f"result.{call.output_format}"
    try:
        run_program(call, argv, profile="book", name="Calibre", on_line=follow, writes=made)
    except InputRejected as error:
        if "DRM" in error.detail:
            text = "The book is locked by its seller (DRM)."
            raise InputRejected(text, code="file_encrypted", detail=error.detail) from error
        raise
    made.rename(call.target)
    return EngineResult(outputs=(call.target,))


def _routes() -> tuple[Route, ...]:
    made = []
    for source in (*_BOOKS, *_OLD_BOOKS, *_DOCUMENTS):
        books = tuple(code for code in _BOOKS if code not in (source, "pdb"))
        made.append(Route(inputs=(source,), outputs=books, fidelity=82, loses=("exact layout",)))
        plain = tuple(code for code in ("pdb", "txt") if code != source)
        lost = ("looks", "pictures", "links")
        made.append(Route(inputs=(source,), outputs=plain, fidelity=50, loses=lost))
        if source not in _DOCUMENTS:
            rich = ("docx", "rtf")
            made.append(Route(inputs=(source,), outputs=rich, fidelity=76, loses=("exact layout",)))
    return tuple(made)


SPEC = EngineSpec(
    id="calibre",
    name="Calibre",
    licence="GPL-3.0",
    routes=_routes(),
    options=Options,
    runner=Runner.PROCESS,
    queue=Queue.OFFICE,
    sandbox="book",
    seconds=1.5,
    units=1,
    find_version=find_version,
    run=run,
)
