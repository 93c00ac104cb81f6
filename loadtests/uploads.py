"""`python -m loadtests.uploads`: a large upload to a running `make serve`, and what it costs there.

Told: seconds, and the memory of the web process before and at its peak. The file is a sound of
silence that is made while it is sent; `detect/` reads, judges and forgets it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import struct
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from loadtests.running import demo, peak_of

CHUNK = 1 << 20
GROWTH_MB = 64  # what threads and buffers may take, whatever the size of the file
BOUNDARY = "filemill-upload"


def body(size: int) -> Iterator[bytes]:
    """A form with one WAV file of `size` bytes."""
    yield (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="silence.wav"\r\n'
        "Content-Type: audio/wav\r\n\r\n"
    ).encode()
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", size - 8, b"WAVE", b"fmt ", 16, 1, 1, 192_000, 384_000, 2, 16),
        *(b"data", size - 44),
    )
    yield head
    left = size - len(head)
    while left:
        chunk = bytes(min(CHUNK, left))
        left -= len(chunk)
        yield chunk
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def main() -> int:
    """0 when it was accepted and the memory stayed flat."""
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--bytes", type=int, default=1_999_000_000)
    size = wanted.parse_args().bytes
    told = demo()
    around = sum(len(part) for part in body(44))
    address = urlsplit(told["base_url"])
    link = http.client.HTTPConnection(str(address.hostname), address.port, timeout=900)
    headers = {
        "Authorization": f"Api-Key {told['tenants'][0]['api_key']}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(around - 44 + size),
    }
    started = time.monotonic()
    with peak_of("web") as memory:
        link.request("POST", "/api/v1/conversions/detect/", body(size), headers)
        reply = link.getresponse()
        answer = json.loads(reply.read())
    seconds = time.monotonic() - started
    grown = memory["peak"] - memory["before"]
    print(f"{reply.status} {answer.get('format')} {answer.get('code', '')}")
    print(f"{size:,} bytes in {seconds:.1f} s; web {memory}, grown by {grown:.1f} MB")
    return 0 if reply.status == 200 and grown < GROWTH_MB else 1


if __name__ == "__main__":
    sys.exit(main())
