"""Fetch a user's URL through the guarded client, streamed and hashed, every hop judged again."""

from __future__ import annotations

import re
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from core.env import env
from core.errors import FileTooLarge, UrlForbidden, invalid
from core.http import client, judge_url
from core.uploads import IncomingFile, Intake

MAX_HOPS = 5
TIMEOUT_S = 30.0
EXTENDED_NAME = re.compile(r"filename\*=UTF-8'[^']*'([^;]+)", re.IGNORECASE)  # RFC 8187
NAME_IN_HEADER = re.compile(r'filename="?([^";]+)"?', re.IGNORECASE)


def fetch_url(*, url: str, max_bytes: int | None) -> IncomingFile:
    """The file behind a URL. Raises UrlForbidden, FileTooLarge, ValidationFailed."""
    limit = max_bytes or env().limits.upload_bytes
    with client(timeout_s=TIMEOUT_S) as http:
        for _ in range(MAX_HOPS):
            judge_url(url)
            try:
                with http.stream("GET", url) as response:
                    if not response.is_redirect:
                        return take_body(response, url, limit)
                    url = urljoin(url, response.headers.get("location", ""))
            except httpx.HTTPError as error:
                raise invalid(
                    "file_url", f"The address did not give a file: {error}.", "download_failed"
                ) from error
    raise UrlForbidden(f"More than {MAX_HOPS} redirects.")


def take_body(response: httpx.Response, url: str, limit: int) -> IncomingFile:
    """Stream a 200 to disk, up to the limit."""
    if response.status_code != 200:
        raise invalid(
            "file_url", f"The address answered {response.status_code}.", "download_failed"
        )
    intake = Intake()
    try:
        for chunk in response.iter_bytes(1 << 20):
            intake.write(chunk)
            refuse_over(intake.size, limit)
    except BaseException:
        intake.discard()
        raise
    return intake.finish(
        name=name_of(response, url), content_type=response.headers.get("content-type", "")
    )


def refuse_over(size: int, limit: int) -> None:
    """Raise FileTooLarge past the limit."""
    if size > limit:
        raise FileTooLarge(f"The file behind the address has over {limit} bytes.")


def name_of(response: httpx.Response, url: str) -> str:
    """The name the server gives, else the last part of the path."""
    header = response.headers.get("content-disposition", "")
    extended = EXTENDED_NAME.search(header)
    if extended:
        return unquote(extended[1])
    match = NAME_IN_HEADER.search(header)
    return match[1] if match else unquote(urlsplit(url).path.rsplit("/", 1)[-1]) or "file"
