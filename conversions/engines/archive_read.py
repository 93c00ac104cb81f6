"""Opening what libarchive reads, compressed single files among it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any

from conversions.engines.spec import EngineCall

SINGLE = ("gz", "bz2", "xz", "zst", "lz4", "lzma", "lz", "z")  # one file without a name, or a tar


@contextmanager
def open_entries(call: EngineCall) -> Iterator[Any]:
    """The entries of ``call.source``; raises ArchiveError."""
    import libarchive  # noqa: PLC0415 (loads the C library: in the child only)

    path = str(call.source)
    form = "raw" if call.input_format in SINGLE and not _holds_archive(path) else "all"
    with libarchive.file_reader(path, form, passphrase=call.password) as entries:
        yield entries


def _holds_archive(path: str) -> bool:
    import libarchive  # noqa: PLC0415

    try:
        with libarchive.file_reader(path, "tar") as entries:
            return any(True for _ in entries)
    except libarchive.ArchiveError:
        return False


def entry_name(entry: Any, call: EngineCall) -> str | None:
    """An entry's path; a compressed single file is named after its archive."""
    if call.input_format in SINGLE and entry.pathname == "data":
        given = PurePath(call.names[0] if call.names else call.source.name).name
        stem, dot, ending = given.rpartition(".")
        return stem if dot and stem and ending.lower() in (*SINGLE, "lha") else given
    found = entry.pathname
    return str(found) if found is not None else None
