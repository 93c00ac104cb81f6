"""libarchive (BSD-2-Clause, through libarchive-c): archives among each other, streamed.

Nothing is unpacked to disk: entries flow from one archive into the other and are counted on the
way. Hard links become files of their own; symbolic links, devices and names that leave the folder
are dropped with a warning. RAR is read only, for its licence. Source: https://github.com/libarchive/libarchive/wiki
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import Field

from conversions.engines.archive_limits import Meter, dropped, libarchive_version, refusal
from conversions.engines.archive_links import Links, survey
from conversions.engines.archive_read import SINGLE, entry_name, open_entries
from conversions.engines.spec import (
    EngineCall,
    EngineOptions,
    EngineResult,
    EngineSpec,
    InputRejected,
    OptionUnsupported,
    Queue,
    Route,
    Runner,
)
from inspection.archive_names import safe_name

_BLOCK = 1 << 20
_HELD = 64 << 20  # entries up to this size are held in memory

# Our code → libarchive's format and filter.
WRITERS: dict[str, tuple[str, str | None]] = {
    "zip": ("zip", None),
    "cbz": ("zip", None),
    "jar": ("zip", None),
    "7z": ("7zip", None),
    "tar": ("gnutar", None),
    "pax": ("pax", None),
    "cbt": ("gnutar", None),
    "tgz": ("gnutar", "gzip"),
    "tbz2": ("gnutar", "bzip2"),
    "txz": ("gnutar", "xz"),
    "tzst": ("gnutar", "zstd"),
    "tlzma": ("gnutar", "lzma"),
    "cpio": ("cpio_newc", None),
    "iso": ("iso9660", None),
    "ar": ("ar_svr4", None),
}
_READ_ONLY = ("rar", "cbr", "xar", "deb", "tlz4", "tlz", "taz", "cab", "lzh", "rpm", *SINGLE)
_DEFAULTS = {"zip": 6, "7z": 5, "tgz": 6, "tbz2": 9, "txz": 6, "tzst": 3, "tlzma": 6}


class Options(EngineOptions):
    """How hard to pack."""

    level: int | None = Field(
        default=None, ge=0, le=9, description="Compression, 0 none to 9 smallest."
    )


def _blocks(entry: Any, meter: Meter) -> Iterator[bytes]:
    for block in entry.get_blocks(_BLOCK):
        meter.block(len(block))
        yield block


def _copy(call: EngineCall, entries: Any, target: Any, meter: Meter) -> tuple[int, list[str]]:
    """Hand entries on; returns how many files were written and the names of what was left."""
    seen: set[str] = set()
    left: list[str] = []
    flat = call.output_format == "ar"
    links = survey(call)
    for number, entry in enumerate(entries):
        meter.entry()
        if entry.isdir:
            continue
        name = safe_name(entry_name(entry, call), flat=flat)
        twin = links.held.get(entry.linkpath) if entry.islnk else None
        plain = (entry.isreg or not entry.filetype) and not entry.linkpath  # of ar, without a type
        if not (plain or twin is not None) or name is None or name in seen:
            left.append(str(entry.pathname))
            continue
        if number in links.replaced:
            links.keep(entry, b"".join(_blocks(entry, meter)))
            continue
        seen.add(name)
        _add(entry, name, target, meter, links, twin)
        call.progress(min(0.99, entries.bytes_read / meter.packed), "moving entries")
    return len(seen), left


def _add(
    entry: Any, name: str, target: Any, meter: Meter, links: Links, twin: bytes | None
) -> None:
    """Sizes are written before contents and headers may lie: only large entries are trusted."""
    blocks: Iterable[bytes] = _blocks(entry, meter)
    size = entry.size
    if twin is not None:
        own = b"".join(blocks)  # cpio may keep the contents at the last of the links
        meter.block(0 if own else len(twin))
        blocks = [own or twin]
        size = len(own or twin)
    elif size is None or size < _HELD:
        held = list(blocks)
        blocks, size = held, sum(map(len, held))
        whole = b"".join(held)
        meter.nested(whole)
        links.keep(entry, whole)
    target.add_file_from_memory(
        name,
        size,
        blocks,
        permission=(entry.mode & 0o777) or 0o644,
        mtime=int(entry.mtime or time.time()),
    )


def _filter_options(code: str, level: int | None) -> str:
    if level is None or code not in _DEFAULTS:
        return ""
    if code in ("tbz2", "txz", "tlzma", "tgz") and level == 0:
        raise OptionUnsupported("This archive format is always compressed.")
    return f"compression-level={level}"


def run(call: EngineCall) -> EngineResult:
    """Move all files of one archive into another. Runs in a sandboxed child."""
    import libarchive  # noqa: PLC0415 (loads the C library: in the child only)
    from libarchive.exception import ArchiveError  # noqa: PLC0415

    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    form, squeeze = WRITERS[call.output_format]
    meter = Meter(call.source.stat().st_size)
    settings = _filter_options(call.output_format, options.level)
    try:
        with (
            open_entries(call) as entries,
            libarchive.file_writer(str(call.target), form, squeeze, options=settings) as target,
        ):
            files, left = _copy(call, entries, target, meter)
    except ArchiveError as error:
        raise refusal(call, error) from error
    except (UnicodeError, ValueError) as error:
        raise InputRejected("The archive's names can't be read.", detail=str(error)) from error
    if not files:
        text = "The archive has no files that may be kept."
        raise InputRejected(text, code="file_malicious" if left else "file_empty")
    facts = {"entries": files, "dropped": len(left)}
    return EngineResult(outputs=(call.target,), warnings=dropped(left), facts=facts)


_EACH = (*WRITERS, *_READ_ONLY)

SPEC = EngineSpec(
    id="libarchive",
    name="libarchive",
    licence="BSD-2-Clause",
    routes=tuple(
        Route(
            inputs=(source,),
            outputs=tuple(code for code in WRITERS if code not in (source, "ar")),
            fidelity=97,
            loses=("symbolic links", "owners", "empty folders"),
        )
        for source in _EACH
    ),
    options=Options,
    runner=Runner.PYTHON,
    queue=Queue.CONVERT,
    sandbox="document",
    seconds=0.1,
    units=1,
    find_version=libarchive_version,
    run=run,
    preload=("libarchive",),
)
