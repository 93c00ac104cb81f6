"""A zip of stored files, written into the answer as it is read: no copy on disk, flat memory.

The files are stored, not deflated: results are mostly compressed already, and so the length of the
whole is known before the first byte (zipstream-ng; zip64 where a size needs it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from django.http import StreamingHttpResponse
from zipstream import ZIP_STORED, ZipStream

from core import storage
from core.downloads import disposition, told
from core.errors import Expired
from core.uploads import safe_name

CHUNK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """A stored file and the name it gets in the archive."""

    key: str
    filename: str


def send_archive(
    entries: Iterable[Entry], *, filename: str, sent: Callable[[], None] | None = None
) -> StreamingHttpResponse:
    """The archive as an answer; ``sent`` is called after its last byte.

    Raises Expired when no file is left. A file that vanishes meanwhile breaks the stream: the
    length was promised, so the client notices.
    """
    stream = ZipStream(compress_type=ZIP_STORED, sized=True)
    for entry, name in named(entries):
        path = storage.path_of(entry.key)
        if path.is_file():
            size = path.stat().st_size
            stream.add(read(path), name, size=size)
    if not len(stream):
        raise Expired("These files have been deleted.")
    response = StreamingHttpResponse(told(stream, sent), content_type="application/zip")
    response["Content-Length"] = str(len(stream))
    response["Content-Disposition"] = disposition(filename)
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-cache"
    response["X-Accel-Buffering"] = "no"  # nginx would spool it to its disk
    return response


def named(entries: Iterable[Entry]) -> Iterator[tuple[Entry, str]]:
    """Each with a name that no other has, also where upper and lower case are the same."""
    taken: set[str] = set()
    for entry in entries:
        plain = PurePosixPath(safe_name(entry.filename))
        name, number = str(plain), 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain.stem}-{number}{plain.suffix}"
        taken.add(name.casefold())
        yield entry, name


def read(path: Path) -> Iterator[bytes]:
    """A file in chunks, opened when its turn comes."""
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            yield chunk
