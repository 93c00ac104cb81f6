"""Send a stored file: name by RFC 6266, ETag, one Range by RFC 9110; through nginx where it is.

Never inline HTML: everything is an attachment, with nosniff.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from core import storage
from core.env import env
from core.errors import Expired

CHUNK = 1 << 20
RANGE = re.compile(r"^bytes=(\d*)-(\d*)$")


def disposition(filename: str) -> str:
    """``attachment`` with an ASCII fallback and the real name."""
    plain = filename.encode("ascii", "replace").decode().replace("?", "_")
    plain = re.sub(r'["\\\x00-\x1f]', "_", plain)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def send_file(
    request: HttpRequest,
    *,
    key: str,
    filename: str,
    media_type: str,
    etag: str,
    sent: Callable[[], None] | None = None,
) -> HttpResponseBase:
    """The file as an answer. Raises Expired when it is gone.

    ``sent`` is called after the file's last byte went out; nginx would not tell, so then the file
    goes through this process.
    """
    path = storage.path_of(key)
    if not path.is_file():
        raise Expired("This file has been deleted.")
    quoted = f'"{etag}"'
    if quoted in request.headers.get("If-None-Match", ""):
        response: HttpResponseBase = HttpResponse(status=304)
    elif env().storage.x_accel and sent is None:
        response = HttpResponse(content_type=media_type)
        response["X-Accel-Redirect"] = f"/_storage/{quote(key)}"
    else:
        response = send_part(request, path, media_type, quoted, sent)
        response["X-Accel-Buffering"] = "no" if sent else "yes"
    response["ETag"] = quoted
    response["Accept-Ranges"] = "bytes"
    response["Content-Disposition"] = disposition(filename)
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-cache"
    return response


def send_part(
    request: HttpRequest,
    path: Path,
    media_type: str,
    etag: str,
    sent: Callable[[], None] | None = None,
) -> HttpResponseBase:
    """The whole file, one range of it, or 416."""
    size = path.stat().st_size
    span = wanted_span(request, size, etag)
    if span is None:
        start, end, status = 0, size - 1, 200
    elif span[0] > span[1]:
        refused = HttpResponse(status=416)
        refused["Content-Range"] = f"bytes */{size}"
        return refused
    else:
        (start, end), status = span, 206
    chunks = read_span(path, start, end)
    if sent is not None and end == size - 1:
        chunks = told(chunks, sent)
    response = StreamingHttpResponse(chunks, status=status, content_type=media_type)
    response["Content-Length"] = str(end - start + 1)
    if status == 206:
        response["Content-Range"] = f"bytes {start}-{end}/{size}"
    return response


def wanted_span(request: HttpRequest, size: int, etag: str) -> tuple[int, int] | None:
    """First and last byte asked for; None: all. An impossible one has first > last."""
    match = RANGE.match(request.headers.get("Range", ""))
    condition = request.headers.get("If-Range")
    if match is None or match.groups() == ("", "") or (condition and condition != etag):
        return None
    first, last = match.groups()
    if not first:
        return max(size - int(last), 0), size - 1 if int(last) else -1
    if last and int(last) < int(first):
        return None  # RFC 9110 §14.1.2: not a range, so ignored
    if int(first) >= size:
        return 1, 0
    return int(first), min(int(last), size - 1) if last else size - 1


def read_span(path: Path, start: int, end: int) -> Iterator[bytes]:
    """Chunks of a file between two bytes, both sent."""
    with path.open("rb") as handle:
        handle.seek(start)
        left = end - start + 1
        while left > 0 and (chunk := handle.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk


def told(chunks: Iterable[bytes], sent: Callable[[], None] | None) -> Iterator[bytes]:
    """The chunks, and a word when all of them went out; none when the client went away."""
    yield from chunks
    if sent is not None:
        sent()
