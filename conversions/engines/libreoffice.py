"""LibreOffice (MPL-2.0): office documents to PDF, by one warm, network-less soffice per process.

Strong at Microsoft and OpenDocument files; fonts that are missing are replaced by others of the
same width where there are any. Filters are always named, since soffice "converts" garbage when it
may guess. Sources: https://wiki.documentfoundation.org/Documentation/DevGuide ,
../../shared/research/engines.md (measured).
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any, Literal, NoReturn

from pydantic import Field

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
from sandbox import hosts
from sandbox.outcomes import Crashed, LimitHit, SandboxUnavailable

_HOME = Path("/usr/lib/libreoffice/program")
_HERE = Path(__file__).parent

IMPORT_FILTERS = {
    "docx": "MS Word 2007 XML",
    "doc": "MS Word 97",
    "odt": "writer8",
    "rtf": "Rich Text Format",
    "xlsx": "Calc MS Excel 2007 XML",
    "xls": "MS Excel 97",
    "ods": "calc8",
    "pptx": "Impress MS PowerPoint 2007 XML",
    "ppt": "MS PowerPoint 97",
    "odp": "impress8",
}
_PDF_FILTERS = {
    **dict.fromkeys(("docx", "doc", "odt", "rtf"), "writer_pdf_Export"),
    **dict.fromkeys(("xlsx", "xls", "ods"), "calc_pdf_Export"),
    **dict.fromkeys(("pptx", "ppt", "odp"), "impress_pdf_Export"),
}
_PDFA = {"none": 0, "1b": 1, "2b": 2}


class Options(EngineOptions):
    """What the PDF export can be told."""

    page_range: str | None = Field(
        default=None,
        max_length=200,
        pattern=r"^\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*$",
        description="Pages to keep, such as 1-3,5. All when left out.",
    )
    pdfa: Literal["none", "1b", "2b"] = Field(
        default="none", description="Archive form of PDF: PDF/A-1b, PDF/A-2b, or none."
    )


def find_version() -> str | None:
    """Version of the installed LibreOffice, if it and its Python bridge are here."""
    bridge = Path("/usr/lib/python3/dist-packages/uno.py")
    if not (_HOME / "soffice.bin").exists() or not bridge.exists():
        return None
    return _debian_version() or "unknown"


def _debian_version() -> str | None:
    """From dpkg's list: soffice itself takes half a second to tell."""
    status = Path("/var/lib/dpkg/status")
    text = status.read_text(errors="replace") if status.exists() else ""
    found = re.search(
        r"^Package: libreoffice-core\S*\n(?:.+\n)*?Version: (?:\d+:)?([\d.]+)", text, re.M
    )
    return found.group(1) if found else None


PLAN = hosts.HostPlan(
    name="office",
    argv=lambda folder: ["/usr/bin/python3", str(folder / "libreoffice_host.py"), str(folder)],
    files=(_HERE / "libreoffice_host.py", _HERE / "libreoffice_profile.xcu"),
    profile="office",
)


_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_MAGIC = {
    **dict.fromkeys(("docx", "xlsx", "pptx", "odt", "ods", "odp"), (_ZIP, _OLE)),
    **dict.fromkeys(("doc", "xls", "ppt"), (_OLE,)),
    "rtf": (b"{\\rtf",),
}


def _check_head(call: EngineCall) -> None:
    """An empty or foreign file never reaches soffice, which would make an empty page of it."""
    with call.source.open("rb") as file:
        head = file.read(8)
    if not head.startswith(_MAGIC[call.input_format]):
        raise InputRejected(f"The file is not {call.input_format.upper()}, or it is damaged.")


def _pdf_data(options: Options) -> dict[str, Any]:
    data: dict[str, Any] = {"SelectPdfVersion": _PDFA[options.pdfa], "ExportBookmarks": True}
    if options.page_range:
        data["PageRange"] = options.page_range
    return data


def _ask(call: EngineCall, options: Options) -> dict[str, Any]:
    """One conversion in the warm host; the finished file is moved to the target."""
    with hosts.host(PLAN).session() as session:
        source = session.folder / f"source.{call.input_format}"
        target = session.folder / f"target.{call.output_format}"
        shutil.copyfile(call.source, source)
        session.give()
        call.progress(0.2, "converting")
        request = {
            "source": str(source),
            "target": str(target),
            "password": call.password,
            "infilter": IMPORT_FILTERS[call.input_format],
            "outfilter": _PDF_FILTERS[call.input_format],
            "data": _pdf_data(options),
        }
        answer: dict[str, Any] = session.ask(request, deadline_s=call.deadline_s)
        if answer.get("ok"):
            if target.is_symlink() or not target.is_file():
                raise EngineCrashed("LibreOffice wrote no file.", detail="ok without a file")
            shutil.move(target, call.target)
    return answer


def run(call: EngineCall) -> EngineResult:
    """Convert one document; a hang ends at the deadline and the host is replaced."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    _check_head(call)
    call.progress(0.1, "starting")
    try:
        answer = _ask(call, options)
    except LimitHit as error:
        raise _limit(error) from error
    except (Crashed, SandboxUnavailable) as error:
        text = "LibreOffice ended without an answer."
        raise EngineCrashed(text, detail=str(error)) from error
    if not answer.get("ok"):
        _refuse(call, str(answer.get("error")))
    call.progress(1.0, "done")
    pages = answer.get("pages")
    return EngineResult(outputs=(call.target,), facts={"pages": pages} if pages else {})


def _limit(error: LimitHit) -> LimitExceeded:
    if error.which == "output":
        text = "The result would be larger than allowed."
        return LimitExceeded(text, code="output_too_large", detail=str(error))
    text = "The document took longer than the time limit."
    return LimitExceeded(text, code="timed_out", detail=str(error))


def _refuse(call: EngineCall, error: str) -> NoReturn:
    options = call.options
    if error.startswith("store: ") and isinstance(options, Options) and options.page_range:
        raise InputRejected(
            "The page range is outside of the document.", code="engine_failed", detail=error
        )
    if error.startswith("store: "):
        raise EngineCrashed("LibreOffice could not write the PDF.", detail=error)
    if call.password:
        text = "The document can't be opened: the password is wrong or the file is damaged."
        raise InputRejected(text, code="password_wrong", detail=error)
    text = f"LibreOffice can't read this file as {call.input_format.upper()}: it is damaged."
    raise InputRejected(text, detail=error)


SPEC = EngineSpec(
    id="libreoffice",
    name="LibreOffice",
    licence="MPL-2.0",
    routes=(
        Route(
            inputs=("docx", "doc", "odt", "rtf"),
            outputs=("pdf",),
            fidelity=90,
            loses=("macros", "fonts that are not installed"),
        ),
        Route(
            inputs=("xlsx", "xls", "ods"),
            outputs=("pdf",),
            fidelity=80,
            loses=("formulas", "macros", "cells beyond the print area"),
        ),
        Route(
            inputs=("pptx", "ppt", "odp"),
            outputs=("pdf",),
            fidelity=85,
            loses=("animations", "speaker notes", "macros"),
        ),
    ),
    options=Options,
    runner=Runner.HOST,
    queue=Queue.OFFICE,
    sandbox="office",
    seconds=0.2,
    units=1,
    find_version=find_version,
    run=run,
)
