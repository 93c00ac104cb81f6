"""Every pair that wish 001 lists, family by family, is offered. RAR is read, never written."""

from __future__ import annotations

import pytest

from conversions import offer
from inspection.formats import canonical

pytestmark = pytest.mark.engine

WISH: dict[str, tuple[str, str]] = {
    "documents": ("PDF DOC DOCX ODT RTF TXT MD HTML EPUB", "PDF DOCX ODT RTF TXT HTML EPUB"),
    "images": (
        "JPG JPEG PNG GIF BMP TIFF WEBP SVG ICO",
        "JPG PNG GIF BMP TIFF WEBP SVG ICO",
    ),
    "audio": ("MP3 WAV FLAC AAC OGG M4A WMA", "MP3 WAV FLAC AAC OGG"),
    "video": ("MP4 AVI MKV MOV WMV FLV WEBM", "MP4 AVI MKV MOV WEBM"),
    "archives": ("ZIP RAR 7Z TAR GZ BZ2", "ZIP 7Z TAR GZ BZ2"),
    "spreadsheets": ("XLS XLSX ODS CSV", "XLS XLSX ODS CSV"),
    "presentations": ("PPT PPTX ODP", "PPT PPTX ODP"),
    "ebooks": ("EPUB MOBI AZW AZW3 FB2", "EPUB MOBI AZW AZW3 FB2"),
}


def _codes(words: str) -> list[str]:
    found = [canonical(word) for word in words.split()]
    assert None not in found, words
    return list(dict.fromkeys(str(code) for code in found))


@pytest.mark.parametrize("family", WISH)
def test_every_pair_of_the_wish_is_offered(family: str) -> None:
    inputs, outputs = map(_codes, WISH[family])

    missing = [
        f"{source} → {target}"
        for source in inputs
        for target in outputs
        if source != target and target not in offer.targets(source)
    ]

    assert missing == []


def test_rar_is_never_written() -> None:
    assert not [code for code in _codes(WISH["archives"][0]) if "rar" in offer.targets(code)]
