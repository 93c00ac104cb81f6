"""Further facts for the results of tools: pages one by one, entries of archives, metadata.

Meant to be called inside the sandbox, like ``inspection.facts``, which gives the common ones.
"""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from inspection import facts as common
from inspection.facts_archives import form_of, is_plain
from inspection.formats import BY_CODE
from inspection.words import digest

Facts = dict[str, Any]
MOST_PAGES = 60  # that are painted, small
MOST_BYTES = 2_100_000_000
_GRID = 8
_TAGS = (
    *("title", "performer", "album", "comment", "recorded_date", "recorded_location", "xyz"),
    *("director", "description", "copyright", "composer", "encoded_date", "tagged_date"),
)


def read_all(payload: list[dict[str, Any]], report: Callable[[float, str], None]) -> list[Facts]:
    """Entry for the fork server: a list of ``{path, format, password?, unlike?}``."""
    found = []
    for number, item in enumerate(payload, 1):
        try:
            found.append(read(Path(item["path"]), item))
        except MemoryError:
            raise
        except Exception as error:
            found.append({"error": f"{type(error).__name__}: {error}"[:300]})
        report(number / len(payload), "checking")
    return found


_BOOKS = ("cbz", "cbt", "cbr")  # archives of pictures
_ZIPS = ("zip", "cbz", "jar")
_TARS = ("tar", "tgz", "tbz2", "txz", "pax", "cbt")


def read(path: Path, item: dict[str, Any]) -> Facts:
    """Facts of one file, by its family."""
    code = item["format"]
    base = {"bytes": path.stat().st_size}
    if item.get("plain"):
        return base | {"sha256": _sha256(path)}
    if code == "pdf":
        return base | pages_of(path, item.get("password"))
    if code in _BOOKS or BY_CODE[code].family == "archive":
        return base | {"entries": entries_of(path, code, item)}
    known = common.facts(path, code, unlike=item.get("unlike"))
    return base | known | private_of(path, code)


def pages_of(path: Path, password: str | None) -> Facts:
    """Every page's size, turn and look; text, bookmarks, lock and metadata. By MuPDF."""
    import cv2  # noqa: PLC0415 (loaded in the warm parent only)
    import numpy as np  # noqa: PLC0415
    import pymupdf  # noqa: PLC0415

    library: Any = pymupdf
    library.TOOLS.mupdf_display_errors(False)  # noqa: FBT003
    with library.open(path, filetype="pdf") as document:
        locked = bool(document.needs_pass)
        lock: Facts = {"needs_password": locked, "encryption": None}
        if locked and not (password and document.authenticate(password)):
            return lock | {"pages": 0}
        lock["encryption"] = document.metadata.get("encryption")
        words, looks, sizes, turns = [], [], [], []
        for number, page in enumerate(document):
            sizes.append([round(page.rect.width, 1), round(page.rect.height, 1)])
            turns.append(page.rotation)
            words.append(page.get_text("text", sort=False))
            if number < MOST_PAGES:
                picture = page.get_pixmap(dpi=24, colorspace=library.csGRAY, alpha=False)
                values: Any = np.frombuffer(picture.samples, dtype=np.uint8)
                values = values.reshape(picture.height, picture.stride)[:, : picture.width]
                small = cv2.resize(values, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
                looks.append([int(value) for value in small.flatten()])
        noted = {k: v for k, v in document.metadata.items() if v}
        named = {k for k in noted if k in ("title", "author", "subject", "keywords", "creator")}
        outline = [[level, title, page] for level, title, page in document.get_toc()]
        return lock | {
            "pages": document.page_count,
            "repaired": bool(document.is_repaired),
            "sizes": sizes,
            "turns": turns,
            "looks": looks,
            "outline": outline,
            "metadata": sorted(named) + (["xmp"] if document.get_xml_metadata() else []),
            **digest("\n".join(words)),
        }


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _digest(stream: IO[bytes]) -> tuple[int, str]:
    made, size = hashlib.sha256(), 0
    while block := stream.read(1 << 20):
        size += len(block)
        if size > MOST_BYTES:
            raise ValueError("too large")
        made.update(block)
    return size, made.hexdigest()


def entries_of(path: Path, code: str, item: dict[str, Any]) -> list[list[Any]]:
    """[name, size, SHA-256] of each plain file; by another library than ``unlike``."""
    if item.get("unlike") != "python":
        if code in _ZIPS:
            return list(_by_zipfile(path, item.get("password")))
        if code in _TARS:
            return list(_by_tarfile(path))
    return list(_by_libarchive(path, code, item.get("password")))


def _by_libarchive(path: Path, code: str, password: str | None) -> Iterator[list[Any]]:
    import libarchive  # noqa: PLC0415 (loaded in the warm parent only)

    with libarchive.file_reader(str(path), form_of(path, code), passphrase=password) as archive:
        for entry in archive:
            if entry.isreg and not entry.islnk:
                made, size = hashlib.sha256(), 0
                for block in entry.get_blocks():
                    made.update(block)
                    size += len(block)
                yield [str(entry.pathname), size, made.hexdigest()]


def _by_zipfile(path: Path, password: str | None) -> Iterator[list[Any]]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not is_plain(info):
                continue
            try:
                with archive.open(info, pwd=password.encode() if password else None) as stream:
                    yield [info.filename, *_digest(stream)]
            except NotImplementedError:  # AES, or a method that Python has no code for
                yield [info.filename, info.file_size, None]


def _by_tarfile(path: Path) -> Iterator[list[Any]]:
    with tarfile.open(path) as archive:
        for info in archive:
            stream = archive.extractfile(info) if info.isreg() else None
            if stream:
                yield [info.name, *_digest(stream)]


def private_of(path: Path, code: str) -> Facts:
    """What is noted beside the content: EXIF and text of pictures, tags of recordings."""
    if code in ("png", "jpg", "webp", "gif", "bmp", "tiff", "avif"):
        return _private_of_picture(path)
    from pymediainfo import MediaInfo  # noqa: PLC0415 (loaded in the warm parent only)

    tracks = MediaInfo.parse(str(path), parse_speed=0.5).tracks
    general = next((track for track in tracks if track.track_type == "General"), None)
    known = general.to_data() if general else {}
    return {"private": sorted(name for name in _TAGS if known.get(name))}


_ALWAYS = {0x0100, 0x0101, 0x0102, 0x0103, 0x0106, 0x0111, 0x0115, 0x0116, 0x0117, 0x011C}
_ALWAYS |= {0x0112, 0x011A, 0x011B, 0x0128, 0x0140, 0x0142, 0x0143, 0x0144, 0x0145, 0x013D}
_ALWAYS |= {0x0152, 0x0153, 0x00FE, 0x8773}


def _private_of_picture(path: Path) -> Facts:
    from PIL import Image  # noqa: PLC0415 (loaded in the warm parent only)

    Image.MAX_IMAGE_PIXELS = None
    with Image.open(path) as image:
        exif = image.getexif()
        found = [f"exif {tag:#06x}" for tag in exif if tag not in _ALWAYS]
        names = (
            "comment",
            "xmp",
            "XML:com.adobe.xmp",
            "photoshop",
            "Comment",
            "Author",
            "Software",
        )
        info = {**image.info, **getattr(image, "text", {})}
        found += [name for name in names if info.get(name)]
        image.load()
        pixels = hashlib.sha256(image.convert("RGBA").tobytes()).hexdigest()
        return {"private": found, "pixels": pixels, "orientation": int(exif.get(0x0112, 1))}
