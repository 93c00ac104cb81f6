"""Archives: pack files (Python's zipfile and tarfile, PSF), unpack them (libarchive, BSD-2-Clause).

Unpacking streams, counts while it reads and stops at the limits of API.md; entries that leave the
folder, links and devices are dropped with a warning. Source: https://github.com/Changaco/python-libarchive-c
"""

from __future__ import annotations

import fnmatch
import platform
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from conversions.engines.archive_limits import Meter, dropped, libarchive_version, refusal
from conversions.engines.archive_read import SINGLE, entry_name, open_entries
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
from inspection.archive_names import safe_name

READABLE = (
    *("zip", "7z", "tar", "tgz", "tbz2", "txz", "tzst", "tlzma", "pax", "cpio", "iso"),
    *("cbz", "cbt", "jar", "rar", "cbr", "tlz4", "tlz", "taz", "ar", "deb", "cab", "lzh", "rpm"),
    *SINGLE,
)
MAX_FILES = 1_000  # results of one job
_OLDEST = (1980, 1, 1, 0, 0, 0)  # ZIP knows no earlier time; a fixed one gives the same bytes again


class CreateOptions(EngineOptions):
    """How files are packed."""

    compression_level: int = Field(default=6, ge=0, le=9, description="0 stores, 9 is smallest.")
    folder: str = Field(
        default="",
        max_length=100,
        pattern=r"^[^/\\\x00-\x1f]*$",
        description="A folder in the archive that holds everything.",
    )


class ExtractOptions(EngineOptions):
    """What is taken out."""

    pattern: str | None = Field(
        default=None, max_length=200, description="Only entries of such names, as *.txt."
    )
    hidden: Literal["keep", "drop"] = Field(
        default="drop", description="What systems add (__MACOSX, .DS_Store, Thumbs.db)."
    )


def _python() -> str | None:
    return platform.python_version()


def unique_names(names: tuple[str, ...], count: int) -> list[str]:
    """One name for each file: a second ``a.txt`` becomes ``a (2).txt``."""
    taken: set[str] = set()
    found = []
    for number in range(count):
        name = names[number] if number < len(names) else f"file-{number + 1}"
        name = name.replace("/", "_").replace("\\", "_").strip() or "file"
        stem, dot, extension = name.rpartition(".")
        stem, extension = (stem, f".{extension}") if dot and stem else (name, "")
        candidate, again = name, 1
        while candidate.casefold() in taken:
            again += 1
            candidate = f"{stem} ({again}){extension}"
        taken.add(candidate.casefold())
        found.append(candidate)
    return found


def create(call: EngineCall) -> EngineResult:
    """Pack the sources under their own names."""
    options = call.options
    assert isinstance(options, CreateOptions)  # noqa: S101
    sources = (call.source, *call.extra_sources)
    prefix = f"{options.folder.strip('. ')}/" if options.folder.strip(". ") else ""
    names = [prefix + name for name in unique_names(call.names, len(sources))]
    if call.output_format == "tar":
        with tarfile.open(call.target, "w", format=tarfile.PAX_FORMAT) as tar:
            for done, (name, path) in enumerate(zip(names, sources, strict=True), 1):
                info = tarfile.TarInfo(name)
                info.size, info.mode = path.stat().st_size, 0o644
                with path.open("rb") as handle:
                    tar.addfile(info, handle)
                call.progress(done / len(sources), "packing")
    else:
        _zip(call, names, sources, options.compression_level)
    return EngineResult(outputs=(call.target,), facts={"entries": len(sources)})


def _zip(call: EngineCall, names: list[str], sources: tuple[Path, ...], level: int) -> None:
    method = zipfile.ZIP_DEFLATED if level else zipfile.ZIP_STORED
    with zipfile.ZipFile(call.target, "w", method, compresslevel=level or None) as archive:
        for done, (name, path) in enumerate(zip(names, sources, strict=True), 1):
            info = zipfile.ZipInfo(name, _OLDEST)
            info.compress_type, info.external_attr = method, 0o644 << 16
            info.file_size = path.stat().st_size  # tells the writer when ZIP64 is needed
            with path.open("rb") as reader, archive.open(info, "w") as writer:
                shutil.copyfileobj(reader, writer, 1 << 20)
            call.progress(done / len(sources), "packing")


def _wanted(path: str, options: ExtractOptions) -> bool:
    parts = path.split("/")
    noise = parts[0] == "__MACOSX" or parts[-1] in (".DS_Store", "Thumbs.db", "desktop.ini")
    if noise and options.hidden == "drop":
        return False
    return (
        not options.pattern
        or fnmatch.fnmatch(path, options.pattern)
        or fnmatch.fnmatch(parts[-1], options.pattern)
    )


def extract(call: EngineCall) -> EngineResult:
    """Every plain file of the archive. ``names`` tells each path inside."""
    import libarchive  # noqa: PLC0415 (imported in the sandboxed child only)

    options = call.options
    assert isinstance(options, ExtractOptions)  # noqa: S101
    try:
        return _extract(call, options)
    except libarchive.ArchiveError as error:
        raise refusal(call, error) from error


def _extract(call: EngineCall, options: ExtractOptions) -> EngineResult:
    meter = Meter(call.source.stat().st_size)
    left: list[str] = []
    outputs: list[Path] = []
    names: list[str] = []
    with open_entries(call) as archive:
        for entry in archive:
            meter.entry()
            if entry.isdir:
                continue
            name = safe_name(entry_name(entry, call))
            plain = entry.isreg or not entry.filetype  # of ar, without a type
            if name is None or entry.issym or entry.islnk or not plain:
                left.append(str(entry.pathname))
                continue
            if not _wanted(name, options):
                continue
            if len(outputs) >= MAX_FILES:
                text = f"The archive has over {MAX_FILES} files. Convert it to zip instead."
                raise LimitExceeded(text)
            target = call.workdir / f"entry-{len(outputs) + 1}"
            _write(entry.get_blocks(), target, meter)
            outputs.append(target)
            names.append(name)
            call.progress(min(0.99, archive.bytes_read / meter.packed), "unpacking")
    if not outputs:
        raise InputRejected("The archive holds no file to take out.", code="engine_failed")
    facts = {"entries": meter.entries, "files": len(outputs), "dropped": len(left)}
    return EngineResult(
        outputs=tuple(outputs), names=tuple(names), warnings=dropped(left), facts=facts
    )


def _write(blocks: Iterator[Any], target: Path, meter: Meter) -> None:
    with target.open("wb") as out:
        for block in blocks:
            meter.block(len(block))
            out.write(block)


def _spec(word: str, **more: Any) -> EngineSpec:
    return EngineSpec(
        id=f"archive_{word}",
        runner=Runner.PYTHON,
        queue=Queue.CONVERT,
        sandbox="document",
        seconds=0.2,
        units=1,
        **more,
    )


SPECS: tuple[EngineSpec, ...] = (
    _spec(
        "create",
        name="Python zipfile and tarfile",
        licence="PSF-2.0",
        routes=(Route(inputs=("zip", "tar"), outputs=("zip", "tar"), fidelity=100),),
        options=CreateOptions,
        find_version=_python,
        run=create,
    ),
    _spec(
        "extract",
        name="libarchive",
        licence="BSD-2-Clause",
        routes=(Route(inputs=READABLE, outputs=READABLE, fidelity=100),),
        options=ExtractOptions,
        find_version=libarchive_version,
        run=extract,
        preload=("libarchive",),
    ),
)
