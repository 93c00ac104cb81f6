"""What can be told about a file's inside. Meant to be called inside the sandbox.

Each family has readers by different libraries, so that a result can be looked at by another
library than the one that wrote it: ``facts(path, "png", unlike="pillow")``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inspection import (
    facts_archives,
    facts_books,
    facts_data,
    facts_documents,
    facts_fonts,
    facts_heif,
    facts_images,
    facts_light,
    facts_markup,
    facts_mbox,
    facts_media,
    facts_metafiles,
    facts_old_office,
    facts_pdf,
    facts_postscript,
    facts_ppt,
    facts_raws,
    facts_rtf,
    facts_subtitles,
    facts_tables,
    raws,
)
from inspection.formats import BY_CODE, FORMATS

Facts = dict[str, Any]
Reader = Callable[[Path, str], Facts]

_CV2 = ("png", "jpg", "webp", "gif", "bmp", "tiff", "avif", "jp2")
_ANYMAPS = ("ppm", "pgm", "pbm", "pnm", "pam")
_CV2_ALL = (*_CV2, *_ANYMAPS, "apng", "j2k", "ras")
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
_TEXTS = ("txt", "json", "xml", "yaml", "srt", "vtt", "csljson", "bibtex", "biblatex")
_MARKUP = tuple(row.code for row in FORMATS if row.family == "markup" and row.code not in _TEXTS)
_TARS = ("tar", "pax", "cbt", "tgz", "tbz2", "txz", "tlzma", "tzst")
_RARE_ARCHIVES = (
    *("rar", "cbr", "xar", "deb", "ar", "tlz4", "tlz", "taz", "cpio", "iso", "7z"),
    *("cab", "lzh", "rpm", "lz4", "lzma", "lz", "z"),
)
_SINGLE = ("gz", "bz2", "xz", "zst")
_SUBTITLES = ("srt", "vtt", "ass", "ssa", "ttml", "sub", "mpl2", "tmp")

READERS: tuple[tuple[str, tuple[str, ...], Reader], ...] = (
    ("cv2", _CV2_ALL, facts_images.by_cv2),
    ("pillow", _PILLOW, facts_images.by_pillow),
    ("cv2_video", _CV2_VIDEO, facts_images.by_cv2_video),
    ("own", ("heic", "heif"), facts_heif.of_heif),
    ("own", facts_metafiles.CODES, facts_metafiles.of_metafile),
    ("own", facts_light.CODES, facts_light.of_light),
    ("own", raws.CODES, facts_raws.of_raw),
    ("own", ("ico",), facts_images.ico_by_hand),
    ("own", ("svg", "svgz"), facts_images.svg_by_hand),
    ("own", ("ps", "eps"), facts_images.postscript_by_hand),
    ("own", ("icns", "dib"), facts_images.unwrapped),
    ("pymupdf", ("pdf",), facts_pdf.by_pymupdf),
    ("pypdf", ("pdf",), facts_pdf.by_pypdf),
    ("own", facts_documents.CODES, facts_documents.by_hand),
    ("own", ("fodt", "fods", "fodp"), facts_documents.flat),
    ("own", ("doc", "dot"), facts_old_office.of_doc),
    ("own", ("ppt", "pot", "pps"), facts_ppt.of_ppt),
    ("xlrd", ("xls", "xlt"), facts_old_office.of_xls),
    ("own", ("dif", "slk"), facts_old_office.of_cells),
    ("own", ("rtf",), facts_rtf.of_rtf),
    ("own", (*_MARKUP, "html", "xhtml", "fb2"), facts_markup.of_markup),
    ("own", ("epub",), facts_books.of_epub),
    ("own", ("mobi", "azw3", "pdb"), facts_books.of_palm),
    ("own", ("htmlz", "txtz", "pmlz"), facts_books.of_zipped),
    ("own", ("ps", "eps"), facts_postscript.of_postscript),
    ("own", ("svg",), facts_postscript.of_svg),
    ("zipfile", ("zip", "cbz", "jar"), facts_archives.of_zip),
    ("tarfile", _TARS, facts_archives.of_tar),
    ("py7zr", ("7z",), facts_archives.of_7z),
    ("pycdlib", ("iso",), facts_archives.of_iso),
    ("own", ("cpio",), facts_archives.of_cpio),
    ("own", _SINGLE, facts_archives.of_single),
    ("libarchive", _RARE_ARCHIVES, facts_archives.by_libarchive),
    ("mediainfo", _MEDIA, facts_media.by_mediainfo),
    ("csv", ("csv", "tsv", "psv"), facts_tables.of_csv),
    ("own", ("ttf", "otf", "woff", "woff2", "ttx"), facts_fonts.by_hand),
    ("own", _SUBTITLES, facts_subtitles.by_hand),
    ("own", ("jsonl", "yaml", "toml", "xml"), facts_data.of_data),
    ("own", ("json",), facts_data.of_json),
    ("own", ("parquet",), facts_data.parquet_by_hand),
    ("own", ("mbox",), facts_mbox.of_mbox),
    ("own", ("eml", "msg"), facts_data.of_message),
    ("text", _TEXTS, facts_tables.of_text),
)
_COMMON = (
    *("inspection.facts", "defusedxml.ElementTree", "sandbox", "olefile", "xlrd", "zstandard"),
    *("py7zr", "py7zr.io", "pycdlib", "libarchive", "_strptime"),
    *("encodings.cp437", "encodings.utf_16_le", "encodings.utf_16_be"),
)
# Pillow imports what a file needs when it is opened: in the child, for each file anew.
_PICTURES = (
    *("PIL.PngImagePlugin", "PIL.JpegImagePlugin", "PIL.GifImagePlugin", "PIL.WebPImagePlugin"),
    *("PIL.TiffImagePlugin", "PIL.BmpImagePlugin", "PIL.IcoImagePlugin", "PIL.ImageOps"),
    "PIL.ImageSequence",
)
PRELOAD = (*_COMMON, *_PICTURES, "cv2", "numpy", "pymediainfo", "yaml", "brotli", "resvg_py")
# PyMuPDF brings 170 MB, which make each fork 7 ms slower (measured): a parent of its own.
PRELOAD_PDF = (*_COMMON, *_PICTURES, "pymupdf", "pypdf", "pikepdf", "cv2", "resvg_py")


_PAINTED = {"pdf"}  # by MuPDF


def preload_for(codes: set[str]) -> tuple[str, ...]:
    """Modules for the warm parent that reads these formats."""
    return PRELOAD_PDF if codes & _PAINTED else PRELOAD


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


def item(path: Path, code: str, **more: Any) -> dict[str, Any]:
    """What ``facts_of_all`` is asked of one file; formats that engines added bring a reader."""
    row = BY_CODE.get(code)
    return {"path": str(path), "format": code, "reader": row.reader if row else None, **more}


def _by_added(name: str, path: Path, code: str) -> Facts:
    module, _, function = name.partition(":")
    try:
        read: Reader = getattr(importlib.import_module(module), function)
        return {**read(path, code), "read_by": name}
    except MemoryError:
        raise
    except Exception as error:
        return {"error": f"{name}: {type(error).__name__}: {error}"[:300]}


def facts_of_all(
    payload: list[dict[str, Any]], report: Callable[[float, str], None]
) -> list[Facts]:
    """Entry for the fork server: a list of ``item``s, perhaps with ``unlike`` and ``password``."""
    found = []
    for number, one in enumerate(payload, 1):
        path, code = Path(one["path"]), one["format"]
        if one.get("password"):
            made = facts_pdf.with_password(path, one["password"])
        elif one.get("reader"):
            made = _by_added(one["reader"], path, code)
        else:
            made = facts(path, code, unlike=one.get("unlike"))
        found.append(made)
        report(number / len(payload), "checking")
    return found
