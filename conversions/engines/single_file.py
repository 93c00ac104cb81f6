"""gzip, bzip2, xz (Python, PSF) and Zstandard (BSD-3-Clause): one file, compressed.

These forms hold one file and no folder. Of an archive with one file, that file is compressed; of
one with several, a tar that holds them all, and a warning says so.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from conversions.engines.archive_limits import Meter, dropped, libarchive_version, refusal
from conversions.engines.archive_read import SINGLE, entry_name, open_entries
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
from inspection.archive_names import safe_name

_BLOCK = 1 << 20
_TARGETS = ("gz", "bz2", "xz", "zst")
_SOURCES = (
    *("zip", "rar", "7z", "tar", "tgz", "tbz2", "txz", "tzst", "tlzma", "tlz4", "tlz", "taz"),
    *("pax", "cpio", "iso", "ar", "cab", "lzh", "rpm", "jar", *SINGLE),
)


class Options(EngineOptions):
    """How hard to pack."""

    level: int = Field(default=6, ge=1, le=9, description="1 is quick, 9 is smallest.")


def _open(path: Path, code: str, level: int) -> Any:
    """A stream that compresses into ``path``; the same bytes give the same result."""
    if code == "gz":
        return gzip.GzipFile(path, "wb", level, mtime=0)
    if code == "bz2":
        return bz2.BZ2File(path, "wb", compresslevel=level)
    if code == "xz":
        return lzma.LZMAFile(path, "wb", preset=level)
    import zstandard  # noqa: PLC0415 (in the sandboxed child only)

    return zstandard.open(path, "wb", zstandard.ZstdCompressor(level=level))


def run(call: EngineCall) -> EngineResult:
    """Take the files out, then compress the one, or a tar of them. Runs in a sandboxed child."""
    from libarchive.exception import ArchiveError  # noqa: PLC0415

    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    meter, left = Meter(call.source.stat().st_size), []
    found: list[tuple[str, Path]] = []
    try:
        with open_entries(call) as entries:
            for entry in entries:
                meter.entry()
                if entry.isdir:
                    continue
                name = safe_name(entry_name(entry, call))
                if name is None or not entry.isreg or entry.linkpath:
                    left.append(str(entry.pathname))
                    continue
                found.append((name, _kept(call, entry, meter, len(found))))
    except ArchiveError as error:
        raise refusal(call, error) from error
    if not found:
        raise InputRejected("The archive has no files that may be kept.", code="file_empty")
    call.progress(0.5, "packing")
    warnings = [*dropped(left), *_write(call, found, options.level)]
    facts = {"entries": len(found), "dropped": len(left)}
    return EngineResult(outputs=(call.target,), warnings=tuple(warnings), facts=facts)


def _kept(call: EngineCall, entry: Any, meter: Meter, number: int) -> Path:
    path = call.workdir / f"entry-{number}"
    with path.open("wb") as file:
        for block in entry.get_blocks(_BLOCK):
            meter.block(len(block))
            file.write(block)
    return path


def _write(call: EngineCall, found: list[tuple[str, Path]], level: int) -> Iterator[str]:
    with _open(call.target, call.output_format, level) as packed:
        if len(found) == 1:
            with found[0][1].open("rb") as file:
                shutil.copyfileobj(file, packed, _BLOCK)
        else:
            yield f"This format holds one file: the {len(found)} files are in a tar inside it."
            with tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar:
                for name, path in found:
                    info = tarfile.TarInfo(name)
                    info.size, info.mode = path.stat().st_size, 0o644
                    with path.open("rb") as file:
                        tar.addfile(info, file)
    for _, path in found:
        path.unlink()


SPEC = EngineSpec(
    id="single_file",
    name="Single-file compression",
    licence="PSF-2.0, BSD-3-Clause",
    routes=tuple(
        Route(
            inputs=(source,),
            outputs=tuple(code for code in _TARGETS if code != source),
            fidelity=90,
            loses=("the name of a single file", "links", "owners", "empty folders"),
        )
        for source in _SOURCES
    ),
    options=Options,
    runner=Runner.PYTHON,
    queue=Queue.CONVERT,
    sandbox="document",
    seconds=0.1,
    units=1,
    find_version=libarchive_version,
    run=run,
    preload=("libarchive", "zstandard"),
)
