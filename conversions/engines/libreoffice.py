"""LibreOffice (MPL-2.0): office documents among each other and to PDF, by one warm, network-less
soffice per process.

Strong at Microsoft and OpenDocument files; fonts that are missing are replaced by others of the
same width where there are any. Filters are always named, since soffice "converts" garbage when it
may guess. Sources: https://wiki.documentfoundation.org/Documentation/DevGuide ,
../../shared/research/engines.md (measured).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NoReturn

from pydantic import Field

from conversions.engines.libreoffice_comments import has_comments
from conversions.engines.libreoffice_filters import (
    CALC,
    CALC_IN,
    DRAW,
    IMPORT,
    IMPRESS,
    IMPRESS_IN,
    MAGIC,
    OLD,
    TEXTS,
    WRITER,
    export_filter,
    export_options,
    import_options,
)
from conversions.engines.libreoffice_limits import refuse_absurd
from conversions.engines.libreoffice_svg import show_mirrored
from conversions.engines.program import cpu_for, debian_version, limit, patience_for
from conversions.engines.spec import (
    EngineCall,
    EngineCrashed,
    EngineOptions,
    EngineResult,
    EngineSpec,
    InputRejected,
    Queue,
    Route,
    Runner,
)
from inspection.facts_metafiles import frame_of
from inspection.ole import WORD_95, WORD_97, is_locked, word_version
from inspection.text import decode_head, encoding_of, is_from_right, read_head
from sandbox import hosts
from sandbox.outcomes import Crashed, LimitHit, SandboxUnavailable

_HOME = Path("/usr/lib/libreoffice/program")
_HERE = Path(__file__).parent
# soffice 7.4 dies of <meta http-equiv="X-UA-Compatible">: only what names the encoding stays.
# What Calc writes of a workbook without dates; the export to Word 97 dies of it.
_NO_DATE = re.compile(rb'<meta\s+name="(?:created|changed)"\s+content="00:00:00"[^>]*>', re.I)
_LONE_RETURN = re.compile(rb"\r(?!\n)")  # ends lines on old Macs; words grow together
_FROM_RIGHT = re.compile(rb"<(?:html|body)\b[^>]*\bdir\s*=\s*[\"']?rtl\b", re.I)
_META = re.compile(rb"<meta\b(?![^>]*content-type)[^>]*http-equiv[^>]*>", re.I)
_PDFA = {"none": 0, "1b": 1, "2b": 2}


class Options(EngineOptions):
    """What the exports can be told."""

    page_range: str | None = Field(
        default=None,
        max_length=200,
        pattern=r"^\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*$",
        description="Pages to keep, such as 1-3,5. All when left out.",
    )
    pdfa: Literal["none", "1b", "2b"] = Field(
        default="none", description="Archive form of PDF: PDF/A-1b, PDF/A-2b, or none."
    )
    sheet: int | None = Field(
        default=None, ge=1, le=10_000, description="CSV: only this sheet; all when left out."
    )
    delimiter: Literal[",", ";", "\t", "|"] = Field(
        default=",", description="CSV: what stands between cells."
    )


def find_version() -> str | None:
    """Version of the installed LibreOffice, if it and its Python bridge are here."""
    bridge = Path("/usr/lib/python3/dist-packages/uno.py")
    if not (_HOME / "soffice.bin").exists() or not bridge.exists():
        return None
    return (
        debian_version("libreoffice-core-nogui") or debian_version("libreoffice-core") or "unknown"
    )


PLAN = hosts.HostPlan(
    name="office",
    argv=lambda folder: ["/usr/bin/python3", str(folder / "libreoffice_host.py"), str(folder)],
    files=(_HERE / "libreoffice_host.py", _HERE / "libreoffice_profile.xcu"),
    profile="office",
)


def _check_head(call: EngineCall) -> None:
    """An empty or foreign file never reaches soffice, which would make an empty page of it."""
    head = read_head(call.source)
    if call.input_format in TEXTS:
        encoding = encoding_of(head) if head else None
        if encoding and call.input_format == "txt" and encoding != "utf-8":
            text = decode_head(call.source, encoding, call.source.stat().st_size)
            call.source.write_text(text, encoding="utf-8")
        if call.input_format == "txt":
            call.source.write_bytes(_LONE_RETURN.sub(b"\n", call.source.read_bytes()))
    else:
        encoding = "bytes"
    if call.input_format == "html":
        page = _NO_DATE.sub(b"", _META.sub(b"", call.source.read_bytes()))
        call.source.write_bytes(page)
    if not encoding or not head.startswith(MAGIC.get(call.input_format, (b"",))):
        raise InputRejected(f"The file is not {call.input_format.upper()}, or it is damaged.")


def reads_from_right(path: Path, code: str) -> bool:
    """Whether a page says so of itself, or most letters of a plain text are of such scripts."""
    head = read_head(path)
    if code == "html":
        return bool(_FROM_RIGHT.search(head))
    return code == "txt" and is_from_right(head.decode("utf-8", "replace"))


def _pdf_data(call: EngineCall, options: Options) -> dict[str, Any]:
    if call.output_format != "pdf":
        return {}
    data: dict[str, Any] = {"SelectPdfVersion": _PDFA[options.pdfa], "ExportBookmarks": True}
    if options.page_range:
        data["PageRange"] = options.page_range
    return data


def _import_filter(call: EngineCall) -> str:
    """Word 6 and 95 have filters of their own; the one of Word 97 does not open their files."""
    if call.input_format in ("doc", "dot"):
        version = word_version(call.source) or WORD_97
        if version < WORD_97:
            return "MS Word 95" if version == WORD_95 else "MS WinWord 6.0"
    return IMPORT[call.input_format]


def _page(call: EngineCall) -> list[int] | None:
    """(width, height) in 1/100 mm of the page that a drawing fills; (0, 0): its own size."""
    if call.input_format not in DRAW:
        return None
    try:
        return list(frame_of(call.source, call.input_format) or (0, 0))
    except ValueError as error:
        text = "The drawing is damaged or cut off."
        raise InputRejected(text, detail=str(error)) from error


def _ask(call: EngineCall, options: Options) -> tuple[dict[str, Any], tuple[Path, ...]]:
    """One conversion in the warm host; the finished files are moved to the target's place."""
    moved: tuple[Path, ...] = ()
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
            "infilter": _import_filter(call),
            "outfilter": export_filter(call.input_format, call.output_format),
            "inoptions": import_options(call.input_format),
            "outoptions": export_options(call.output_format, options.delimiter, options.sheet),
            "data": _pdf_data(call, options),
            "from_right": reads_from_right(call.source, call.input_format),
            "page": _page(call),
            "comments": has_comments(call.source, call.input_format),
        }
        answer: dict[str, Any] = session.ask(
            request, deadline_s=min(call.left_s, patience_for(source)), cpu_s=cpu_for(source)
        )
        if answer.get("ok"):
            moved = _take(call, session.folder, target)
    return answer, moved


def _take(call: EngineCall, folder: Path, target: Path) -> tuple[Path, ...]:
    """Move what was written; sheets come as ``target-<name>.csv`` in the order of their tabs."""
    found = [target] if target.exists() else list(folder.glob(f"target-*.{call.output_format}"))
    found.sort(key=lambda path: path.stat().st_mtime_ns)
    if not found or any(path.is_symlink() or not path.is_file() for path in found):
        raise EngineCrashed("LibreOffice wrote no file.", detail="ok without a file")
    names = [call.target]
    if len(found) > 1:
        stem, suffix = call.target.stem, call.target.suffix
        names = [call.target.with_name(f"{stem}-{n}{suffix}") for n in range(1, len(found) + 1)]
    for source, name in zip(found, names, strict=True):
        shutil.move(source, name)
    return tuple(names)


def run(call: EngineCall) -> EngineResult:
    """Convert one document; a hang ends at the deadline and the host is replaced."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    _check_head(call)
    refuse_absurd(call)
    call.progress(0.1, "starting")
    try:
        answer, moved = _ask(call, options)
    except LimitHit as error:
        raise limit(error.which, str(error)) from error
    except (Crashed, SandboxUnavailable) as error:
        text = "LibreOffice ended without an answer."
        raise EngineCrashed(text, detail=str(error)) from error
    if not answer.get("ok"):
        _refuse(call, str(answer.get("error")))
    call.progress(1.0, "done")
    if call.output_format == "svg":
        show_mirrored(moved[0])
    pages = answer.get("pages")
    return EngineResult(outputs=moved, facts={"pages": pages} if pages else {})


def _refuse(call: EngineCall, error: str) -> NoReturn:
    options = call.options
    if error.startswith("store: ") and isinstance(options, Options) and options.page_range:
        raise InputRejected(
            "The page range is outside of the document.", code="engine_failed", detail=error
        )
    if error.startswith("store: "):
        raise EngineCrashed("LibreOffice could not write the result.", detail=error)
    if call.password:
        text = "The document can't be opened: the password is wrong or the file is damaged."
        raise InputRejected(text, code="password_wrong", detail=error)
    if call.input_format in OLD and is_locked(call.source):
        text = "The document is locked. Send its `password` and try again."
        raise InputRejected(text, code="file_encrypted", detail=error)
    text = f"LibreOffice can't read this file as {call.input_format.upper()}: it is damaged."
    raise InputRejected(text, detail=error)


_DRAWN = ("fonts that are not installed", "rare ways of mixing colours")
_PRINT = ("page_range", "pdfa")
_CELLS = ("sheet", "delimiter")
_LOST_IN = {
    "txt": (62, ("looks", "pictures", "tables' shape")),
    "html": (65, ("page layout", "headers and footers")),
    "csv": (60, ("looks", "formulas", "charts")),
    "tsv": (60, ("looks", "formulas", "charts")),
    "dif": (50, ("looks", "formulas", "charts")),
    "slk": (55, ("looks", "charts")),
}


def _family(codes: tuple[str, ...], targets: tuple[str, ...]) -> Iterator[Route]:
    for source in codes:
        rich = tuple(code for code in targets if code not in (source, *_LOST_IN))
        yield Route(inputs=(source,), outputs=rich, fidelity=88, loses=("macros",), options=())
        for code in targets:
            if code in _LOST_IN and code != source:
                points, loses = _LOST_IN[code]
                names = _CELLS if code in ("csv", "tsv") else ()
                yield Route(
                    inputs=(source,), outputs=(code,), fidelity=points, loses=loses, options=names
                )


def _routes() -> tuple[Route, ...]:
    """Documents, sheets and slides, each among themselves and to PDF."""
    to_pdf = (
        (tuple(WRITER), 90, ("macros", "fonts that are not installed")),
        (CALC_IN, 80, ("formulas", "macros", "cells beyond the print area")),
        (tuple(IMPRESS_IN), 85, ("animations", "speaker notes", "macros")),
    )
    made = [
        Route(inputs=inputs, outputs=("pdf",), fidelity=points, loses=loses, options=_PRINT)
        for inputs, points, loses in to_pdf
    ]
    made += [
        Route(inputs=tuple(DRAW), outputs=(target,), fidelity=points, loses=_DRAWN, options=())
        for target, points in (("svg", 85), ("pdf", 80))
    ]
    made += _family(tuple(WRITER), tuple(WRITER))
    made += _family(CALC_IN, tuple(CALC))
    made += _family(tuple(IMPRESS_IN), tuple(IMPRESS))
    return tuple(made)


SPEC = EngineSpec(
    id="libreoffice",
    name="LibreOffice",
    licence="MPL-2.0",
    routes=_routes(),
    options=Options,
    runner=Runner.HOST,
    queue=Queue.OFFICE,
    sandbox="office",
    seconds=0.2,
    units=1,
    find_version=find_version,
    run=run,
)
