"""What can be told about a file's inside. Meant to be called inside the sandbox.

Each family has readers by different libraries, so that a result can be looked at by another
library than the one that wrote it: ``facts(path, "png", unlike="pillow")``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from inspection import (
    facts_data,
    facts_documents,
    facts_fonts,
    facts_images,
    facts_media,
    facts_pdf,
    facts_subtitles,
    facts_tables,
)
from inspection.formats import FORMATS

Facts = dict[str, Any]
Reader = Callable[[Path, str], Facts]

_CV2 = ("png", "jpg", "webp", "gif", "bmp", "tiff", "avif", "jp2")
_ANYMAPS = ("ppm", "pgm", "pbm", "pnm", "pam")
_CV2_ALL = (*_CV2, *_ANYMAPS, "apng", "j2k", "ras", "hdr")
_PILLOW = (
    *_CV2,
    *("apng", "ico", "icns", "dib", "j2k", "tga", "pcx", "dcx"),
    *_ANYMAPS,
    *("sgi", "bw", "dds", "qoi", "xpm", "msp", "im", "ras", "psd", "fits"),
)
_CV2_VIDEO = (
    *("tga", "pcx", "sgi", "bw", "dds", "qoi", "xbm", "xpm", "msp", "psd"),
    *("dpx", "xwd", "fits", "wbmp", "pam", "j2k", "jp2", "ras"),
)
_MEDIA = tuple(row.code for row in FORMATS if row.family in ("audio", "video"))
_TEXTS = ("txt", "md", "html", "json", "rst", "tex", "xml", "yaml", "srt", "vtt", "ipynb")
_SUBTITLES = ("srt", "vtt", "ass", "ssa", "ttml", "sub", "mpl2", "tmp")

READERS: tuple[tuple[str, tuple[str, ...], Reader], ...] = (
    ("cv2", _CV2_ALL, facts_images.by_cv2),
    ("pillow", _PILLOW, facts_images.by_pillow),
    ("cv2_video", _CV2_VIDEO, facts_images.by_cv2_video),
    ("own", ("heic", "heif"), facts_images.heif_by_hand),
    ("own", ("ico",), facts_images.ico_by_hand),
    ("own", ("svg", "svgz"), facts_images.svg_by_hand),
    ("own", ("ps", "eps"), facts_images.postscript_by_hand),
    ("own", ("icns", "dib"), facts_images.unwrapped),
    ("pymupdf", ("pdf",), facts_pdf.by_pymupdf),
    ("pypdf", ("pdf",), facts_pdf.by_pypdf),
    ("own", ("docx", "odt", "pptx", "odp", "xlsx", "ods"), facts_documents.by_hand),
    ("mediainfo", _MEDIA, facts_media.by_mediainfo),
    ("csv", ("csv", "tsv", "psv"), facts_tables.of_csv),
    ("own", ("ttf", "otf", "woff", "woff2", "ttx"), facts_fonts.by_hand),
    ("own", _SUBTITLES, facts_subtitles.by_hand),
    ("own", ("jsonl", "yaml", "toml", "xml"), facts_data.of_data),
    ("own", ("json",), facts_data.of_json),
    ("own", ("parquet",), facts_data.parquet_by_hand),
    ("own", ("eml", "msg"), facts_data.of_message),
    ("text", _TEXTS, facts_tables.of_text),
)
_COMMON = ("inspection.facts", "defusedxml.ElementTree", "sandbox")
PRELOAD = (*_COMMON, "cv2", "numpy", "PIL.Image", "pymediainfo", "yaml", "brotli")
# PyMuPDF brings 170 MB, which make each fork 7 ms slower (measured): a parent of its own.
PRELOAD_PDF = (*_COMMON, "pymupdf", "pypdf", "cv2", "PIL.Image")


def preload_for(codes: set[str]) -> tuple[str, ...]:
    """Modules for the warm parent that reads these formats."""
    return PRELOAD_PDF if "pdf" in codes else PRELOAD


def facts(path: Path, code: str, *, unlike: str | None = None) -> Facts:
    """Facts about one file, with ``read_by``; the first reader that works and isn't ``unlike``.

    ``{"error": …}`` when every reader gives up: the file is damaged or not what it says.
    """
    errors = []
    for name, codes, reader in READERS:
        if code not in codes or name == unlike:
            continue
        try:
            return {**reader(path, code), "read_by": name}
        except MemoryError:
            raise
        except Exception as error:
            errors.append(f"{name}: {type(error).__name__}: {error}"[:300])
    return {"error": "; ".join(errors) or "no reader"} if errors else {}


def facts_of_all(
    payload: list[dict[str, Any]], report: Callable[[float, str], None]
) -> list[Facts]:
    """Entry for the fork server: a list of ``{"path", "format", "unlike"?, "password"?}``."""
    found = []
    for number, item in enumerate(payload, 1):
        if item.get("password"):
            made = facts_pdf.with_password(Path(item["path"]), item["password"])
        else:
            made = facts(Path(item["path"]), item["format"], unlike=item.get("unlike"))
        found.append(made)
        report(number / len(payload), "checking")
    return found
