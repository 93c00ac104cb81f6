"""pypdf (BSD-3-Clause): the text of a PDF.

Quick and pure Python; reading order follows the file, tables become plain lines, and scans have no
text to give (they need OCR). Source: https://pypdf.readthedocs.io/en/stable/user/extract-text.html
"""

from __future__ import annotations

import importlib.metadata
from typing import Literal

from pydantic import Field

from conversions.engines.page_ranges import PATTERN, pages_of
from conversions.engines.pdf_open import open_pdf
from conversions.engines.pdf_pages import NO_TEXT
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


class Options(EngineOptions):
    """Which pages, and how they are kept apart."""

    page_range: str | None = Field(
        default=None, max_length=200, pattern=PATTERN, description="Pages such as 1-3,5."
    )
    separator: Literal["form_feed", "blank_line"] = Field(
        default="form_feed", description="What stands between pages."
    )


def find_version() -> str | None:
    """Version of the installed pypdf."""
    try:
        return importlib.metadata.version("pypdf")
    except importlib.metadata.PackageNotFoundError:
        return None


def run(call: EngineCall) -> EngineResult:
    """Write the text of the chosen pages as UTF-8. Runs in a sandboxed child."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    reader, warnings = open_pdf(call.source, call.password)
    numbers = pages_of(options.page_range, len(reader.pages))
    mark = "\f" if options.separator == "form_feed" else "\n\n"
    characters = 0
    with call.target.open("w", encoding="utf-8", newline="\n") as out:
        for done, number in enumerate(numbers, 1):
            try:
                text = reader.pages[number].extract_text()
            except MemoryError:
                raise
            except Exception as error:
                detail = f"{type(error).__name__}: {error}"
                text, words = "", f"Page {number + 1} can't be read."
                if len(numbers) == 1:
                    raise InputRejected(words, detail=detail) from error
                warnings.append(words)
            clean = text.encode("utf-8", "replace").decode()
            characters += len("".join(clean.split()))
            out.write(clean + (mark if done < len(numbers) else "\n"))
            call.progress(done / len(numbers), "extracting text")
    unsure = "" if characters else NO_TEXT
    warnings += [unsure] if unsure else []
    facts = {"pages": len(numbers), "text_chars": characters}
    return EngineResult(
        outputs=(call.target,), warnings=tuple(warnings), facts=facts, unsure=unsure
    )


SPEC = EngineSpec(
    id="pypdf",
    name="pypdf",
    licence="BSD-3-Clause",
    routes=(
        Route(
            inputs=("pdf",),
            outputs=("txt",),
            fidelity=60,
            loses=("layout", "pictures", "tables' shape"),
        ),
    ),
    options=Options,
    runner=Runner.PYTHON,
    queue=Queue.CONVERT,
    sandbox="document",
    seconds=0.3,
    units=1,
    find_version=find_version,
    run=run,
    preload=("pypdf", "pypdf.errors"),
)
