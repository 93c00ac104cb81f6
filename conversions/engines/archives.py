"""libarchive (BSD-2-Clause, through libarchive-c): archives among each other, streamed.

Nothing is unpacked to disk: entries flow from one archive into the other and are counted on the
way. Links, devices and names that leave the folder are dropped with a warning. RAR is read only,
for its licence. Source: https://github.com/libarchive/libarchive/wiki
"""

from __future__ import annotations

import ctypes.util
import importlib.metadata
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from conversions.engines.archive_nesting import TooDeep, measure
from conversions.engines.spec import (
    EngineCall,
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
from inspection.archive_names import safe_name

MAX_ENTRIES = 10_000
MAX_UNPACKED = 2_000_000_000
MAX_RATIO = 200
RATIO_FROM = 100_000_000
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
_READ_ONLY = ("rar", "cbr", "xar", "deb", "tlz4", "tlz", "taz")
_DEFAULTS = {"zip": 6, "7z": 5, "tgz": 6, "tbz2": 9, "txz": 6, "tzst": 3, "tlzma": 6}


class Options(EngineOptions):
    """How hard to pack."""

    level: int | None = Field(
        default=None, ge=0, le=9, description="Compression, 0 none to 9 smallest."
    )


def find_version() -> str | None:
    """Version of libarchive-c, if the library itself is here."""
    try:
        version = importlib.metadata.version("libarchive-c")
    except importlib.metadata.PackageNotFoundError:
        return None
    return version if ctypes.util.find_library("archive") else None


@dataclass
class _Tally:
    """What went by so far."""

    call: EngineCall
    packed: int
    entries: int = 0
    unpacked: int = 0
    dropped: list[str] = field(default_factory=list)

    def count_nested(self, size: int) -> None:
        """What archives in the archive hold counts as well."""
        self.entries += 1
        self.count(size)

    def count(self, size: int) -> None:
        self.unpacked += size
        large = self.unpacked > RATIO_FROM and self.unpacked > MAX_RATIO * max(self.packed, 1)
        if self.entries > MAX_ENTRIES or self.unpacked > MAX_UNPACKED or large:
            text = "The archive unpacks to far more than its size and was refused."
            raise InputRejected(text, code="archive_bomb")

    def warnings(self) -> tuple[str, ...]:
        if not self.dropped:
            return ()
        names = ", ".join(self.dropped[:5])
        more = f" and {len(self.dropped) - 5} more" if len(self.dropped) > 5 else ""
        return (f"Entries were dropped (links, devices or unsafe names): {names}{more}.",)


def _blocks(entry: Any, tally: _Tally) -> Iterator[bytes]:
    for block in entry.get_blocks(_BLOCK):
        tally.count(len(block))
        yield block


def _copy(entries: Any, target: Any, tally: _Tally) -> int:
    """Hand entries on; returns how many files were written."""
    files = 0
    seen: set[str] = set()
    flat = tally.call.output_format == "ar"
    for entry in entries:
        tally.entries += 1
        tally.count(0)
        if entry.isdir:
            continue
        name = safe_name(entry.pathname, flat=flat)
        if not entry.isreg or entry.linkpath or name is None or name in seen:
            tally.dropped.append(str(entry.pathname)[:60])
            continue
        seen.add(name)
        _add(entry, name, target, tally)
        files += 1
        tally.call.progress(min(0.95, files / (files + 20)), "moving entries")
    return files


def _add(entry: Any, name: str, target: Any, tally: _Tally) -> None:
    """Sizes are written before contents and headers may lie: only large entries are trusted."""
    blocks: Iterable[bytes] = _blocks(entry, tally)
    size = entry.size
    if size is None or size < _HELD:
        held = list(blocks)
        blocks, size = held, sum(map(len, held))
        measure(b"".join(held), tally.count_nested)
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
    tally = _Tally(call, call.source.stat().st_size)
    settings = _filter_options(call.output_format, options.level)
    try:
        with (
            libarchive.file_reader(str(call.source), passphrase=call.password) as entries,
            libarchive.file_writer(str(call.target), form, squeeze, options=settings) as target,
        ):
            files = _copy(entries, target, tally)
    except TooDeep as error:
        text = "Archives lie in archives, too deep."
        raise InputRejected(text, code="archive_bomb") from error
    except ArchiveError as error:
        raise _refusal(call, str(error)) from error
    except (UnicodeError, ValueError) as error:
        raise InputRejected("The archive's names can't be read.", detail=str(error)) from error
    if not files:
        text = "The archive has no files that may be kept."
        raise InputRejected(text, code="file_malicious" if tally.dropped else "file_empty")
    facts = {"entries": files, "dropped": len(tally.dropped)}
    return EngineResult(outputs=(call.target,), warnings=tally.warnings(), facts=facts)


def _refusal(call: EngineCall, words: str) -> Exception:
    lower = words.lower()
    if "passphrase" in lower or "encrypt" in lower:
        code = "password_wrong" if call.password else "file_encrypted"
        return InputRejected("The archive is locked.", code=code, detail=words)
    if "no space" in lower or "too large" in lower:
        return LimitExceeded("The result is too large.", code="output_too_large", detail=words)
    return InputRejected("The archive is damaged or cut off.", detail=words)


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
            loses=("links", "owners", "empty folders"),
        )
        for source in _EACH
    ),
    options=Options,
    runner=Runner.PYTHON,
    queue=Queue.CONVERT,
    sandbox="document",
    seconds=0.1,
    units=1,
    find_version=find_version,
    run=run,
    preload=("libarchive",),
)
