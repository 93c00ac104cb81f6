"""Facts about archives: which files they hold, by other libraries than libarchive writes with."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import importlib
import io
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from inspection.archive_names import safe_name

MOST_ENTRIES = 10_000
MOST_BYTES = 512 << 20  # contents are hashed up to here
_BLOCK = 1 << 20
_CHUNK = 16 << 20

# No name: a compressed single file. Text in place of contents: where a hard link leads.
Files = Iterator[tuple[str | None, IO[bytes] | str]]


def _facts(files: Files) -> dict[str, Any]:
    """{entries, total_bytes, files: [[name, size, hash], …]}; the last of a name counts."""
    found: dict[str, tuple[int, str]] = {}
    total = 0
    for name, stream in files:
        safe = "" if name is None else safe_name(name)
        if safe is None or len(found) >= MOST_ENTRIES:
            continue
        if isinstance(stream, str):
            if twin := found.get(safe_name(stream) or ""):
                found[safe] = twin
            continue
        made, size = hashlib.sha256(), 0
        while total < MOST_BYTES and (block := stream.read(_BLOCK)):
            made.update(block)
            size += len(block)
            total += len(block)
        found[safe] = size, made.hexdigest()[:16]
    listed = sorted((name, size, made) for name, (size, made) in found.items())
    return {"entries": len(found), "total_bytes": total, "files": listed}


_UNIX = 3
_NOT_FILES = (0x2, 0x4, 0x6, 0xA)  # Unix: device, folder, device, link


def is_plain(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry of a ZIP is a file, neither folder nor link nor device."""
    unix = entry.create_system == _UNIX and entry.external_attr >> 28 in _NOT_FILES
    return not entry.is_dir() and not unix


def of_zip(path: Path, code: str) -> dict[str, Any]:
    """By the standard library; its checksums are tested on the way."""

    def walk() -> Files:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if is_plain(entry):
                    with archive.open(entry) as stream:
                        yield entry.filename, stream

    return _facts(walk())


def of_tar(path: Path, code: str) -> dict[str, Any]:
    """By the standard library, Zstandard by its own."""
    if code == "tzst":
        import zstandard  # noqa: PLC0415

        with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
            return _facts(_tar_files(tarfile.open(fileobj=stream, mode="r|")))
    return _facts(_tar_files(tarfile.open(path, mode="r:*")))


def _tar_files(archive: tarfile.TarFile) -> Files:
    with archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isreg() else None
            if member.islnk():
                yield member.name, member.linkname
            elif stream:
                yield member.name, stream


def of_single(path: Path, code: str) -> dict[str, Any]:
    """One compressed file, which has no name, or the files of a tar inside."""
    with path.open("rb") as raw, _unpacked(raw, code) as stream:
        head = stream.read(512)
        rest = io.BytesIO(head + stream.read(MOST_BYTES))
        while stream.read(_BLOCK):
            pass  # to the end, where the checksum is
    if head[257:262] == b"ustar":
        return _facts(_tar_files(tarfile.open(fileobj=rest, mode="r:")))
    return _facts(iter([(None, rest)]))


def _unpacked(raw: IO[bytes], code: str) -> Any:
    if code == "zst":
        import zstandard  # noqa: PLC0415

        return zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
    openers: dict[str, Any] = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}
    return openers[code](raw)


def of_7z(path: Path, code: str) -> dict[str, Any]:
    """By py7zr."""
    import py7zr  # noqa: PLC0415
    from py7zr.io import BytesIOFactory  # noqa: PLC0415

    inner: Any = importlib.import_module("py7zr.py7zr")
    # It asks /proc how much memory there is; the sandbox has no /proc.
    inner.get_memory_limit = lambda: _CHUNK
    with py7zr.SevenZipFile(path) as archive:
        if archive.archiveinfo().uncompressed > MOST_BYTES:
            raise ValueError("too large to look at")
        links = {one.filename for one in archive.files if one.is_symlink or one.is_junction}
        factory = BytesIOFactory(MOST_BYTES)
        archive.extract(factory=factory)
    return _facts(
        (name, io.BytesIO(one.read()))
        for name, one in factory.products.items()
        if name not in links
    )


def of_iso(path: Path, code: str) -> dict[str, Any]:
    """By pycdlib, by the long names where there are any."""
    import pycdlib  # noqa: PLC0415

    image = pycdlib.PyCdlib()
    image.open(str(path))
    if image.pvd.space_size * 2048 > path.stat().st_size:
        image.close()
        raise ValueError("cut off")
    how = {"rr_path": "/"} if image.has_rock_ridge() else {"iso_path": "/"}
    kind = next(iter(how))

    def walk() -> Files:
        for folder, _, names in image.walk(**how):
            for name in names:
                place = f"{folder.rstrip('/')}/{name}"
                notes = getattr(image.get_record(**{kind: place}), "rock_ridge", None)
                if notes and not stat.S_ISREG(notes.get_file_mode()):
                    continue
                with image.open_file_from_iso(**{kind: place}) as stream:
                    yield place.lstrip("/"), stream

    try:
        return _facts(walk())
    finally:
        image.close()


def of_cpio(path: Path, code: str) -> dict[str, Any]:
    """By hand: the new ASCII form, which is the one we write.

    Of several links to one file, one has the contents, often the last.
    """
    full: dict[int, bytes] = {}

    def walk() -> Files:
        entries = list(_cpio_entries(path))
        full.update((number, body) for _, number, body in entries if number and body)
        for name, number, body in entries:
            yield name, io.BytesIO(body or full.get(number, b""))

    return _facts(walk())


def _cpio_entries(path: Path) -> Iterator[tuple[str, int, bytes]]:
    """(name, number of the file if it has several names else 0, contents) of the plain files."""
    total = 0
    with path.open("rb") as file:
        while len(head := file.read(110)) == 110:
            if head[:6] not in (b"070701", b"070702"):
                raise ValueError("not the new ASCII form")
            number, mode, links, size, length = (int(head[n : n + 8], 16) for n in _CPIO_FIELDS)
            name = file.read(length)[:-1].decode("utf-8", "replace")
            file.seek(-(110 + length) % 4, 1)
            if name == "TRAILER!!!":
                return
            total += size
            body = file.read(size) if total <= MOST_BYTES else b""
            file.seek(-size % 4, 1)
            if len(body) < size:
                raise ValueError("cut off, or too large to look at")
            if mode & 0o170000 == 0o100000:
                yield name, number if links > 1 else 0, body
    raise ValueError("no end")


_CPIO_FIELDS = (6, 14, 38, 54, 94)  # where inode, mode, links, size, length of the name stand


class _Blocks(io.RawIOBase):
    """libarchive's blocks of an entry as a stream."""

    def __init__(self, entry: Any) -> None:
        self.blocks = entry.get_blocks(_BLOCK)

    def read(self, size: int = -1) -> bytes:
        return bytes(next(self.blocks, b""))


def by_libarchive(path: Path, code: str) -> dict[str, Any]:
    """For sources that nothing else reads."""
    import libarchive  # noqa: PLC0415

    def walk() -> Files:
        form = form_of(path, code)
        with libarchive.file_reader(str(path), form) as entries:
            for entry in entries:
                if entry.islnk:
                    yield str(entry.pathname or ""), str(entry.linkpath)
                elif (entry.isreg or not entry.filetype) and not entry.linkpath:
                    name = None if form == "raw" else str(entry.pathname or "")
                    yield name, _Blocks(entry)  # type: ignore[misc]

    return _facts(walk())


BARE = ("gz", "bz2", "xz", "zst", "lz4", "lzma", "lz", "z")


def form_of(path: Path, code: str) -> str:
    """libarchive's name for how to read it: ``raw`` for a compressed single file."""
    import libarchive  # noqa: PLC0415

    if code not in BARE:
        return "all"
    try:
        with libarchive.file_reader(str(path), "tar") as entries:
            return "all" if any(True for _ in entries) else "raw"
    except libarchive.ArchiveError:
        return "raw"
