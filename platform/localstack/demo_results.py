"""The demo's own eyes: opens each result with a library and states what it saw.

Each check gets the result's bytes and the source's path; it raises when the result does not hold.
"""

import io
import zipfile
from pathlib import Path

from PIL import Image
from pymediainfo import MediaInfo
from pypdf import PdfReader

TOLERANCE_S = 0.3


def pdf(result: bytes, source: Path) -> str:
    reader = PdfReader(io.BytesIO(result))
    text = "".join(page.extract_text() for page in reader.pages)
    _hold("Quarterly report" in text, "the heading is missing")
    _hold(len(reader.pages) == 2, f"{len(reader.pages)} pages instead of 2")
    return f"{len(reader.pages)} pages, the heading is there"


def docx(result: bytes, source: Path) -> str:
    with zipfile.ZipFile(io.BytesIO(result)) as container:
        _hold(container.testzip() is None, "the container is damaged")
        document = container.read("word/document.xml").decode()
    _hold("Quarterly" in document, "the heading is missing")
    return f"word/document.xml with {len(document):,} characters"


def webp(result: bytes, source: Path) -> str:
    with Image.open(source) as before, Image.open(io.BytesIO(result)) as after:
        after.load()
        _hold(after.format == "WEBP", f"it is {after.format}")
        _hold(after.size == before.size, f"{after.size} instead of {before.size}")
        return f"WebP of {after.size[0]} × {after.size[1]} pixels, as before"


def webm(result: bytes, source: Path) -> str:
    before, after = _seconds(source), _seconds(io.BytesIO(result))
    _hold(abs(before - after) <= TOLERANCE_S, f"{after:.2f} s instead of {before:.2f} s")
    return f"{after:.2f} s of video, {before:.2f} s before"


def _seconds(file: Path | io.BytesIO) -> float:
    info = MediaInfo.parse(file)
    if isinstance(info, str):
        raise TypeError("no media facts")
    return float(info.general_tracks[0].duration) / 1000


def _hold(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not holds:
        raise ValueError(otherwise)
