"""Streaming intake: an upload goes once to disk, hashed on the way, never through memory."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile

from core.env import env
from core.storage import incoming_folder

CHUNK = 1 << 20
NAME_BYTES = 255  # of one path part on common file systems


class IncomingFile(UploadedFile):  # type: ignore[type-arg]
    """An upload in the incoming folder, with its SHA-256. Deleted on close unless adopted."""

    def __init__(
        self, handle: IO[bytes], path: Path, *, name: str, content_type: str, size: int, sha256: str
    ) -> None:
        super().__init__(handle, name, content_type, size)
        self.path, self.sha256, self.original_name = path, sha256, name

    @classmethod
    def at(cls, path: Path, *, name: str, size: int, sha256: str) -> IncomingFile:
        """A file that lies in the incoming folder already."""
        return cls(io.BytesIO(), path, name=name, content_type="", size=size, sha256=sha256)

    def close(self) -> None:
        """Close and remove what nobody adopted."""
        super().close()
        self.path.unlink(missing_ok=True)


class Intake:
    """Writes chunks to a new file in the incoming folder and hashes them."""

    def __init__(self) -> None:
        descriptor, name = tempfile.mkstemp(dir=incoming_folder())
        self.path, self.handle = Path(name), os.fdopen(descriptor, "w+b")
        self.hash, self.size = hashlib.sha256(), 0

    def write(self, chunk: bytes) -> None:
        """Take one chunk. Of a file that does not fit on the disk nothing stays."""
        self.hash.update(chunk)
        try:
            self.handle.write(chunk)
        except OSError:
            self.discard()
            raise
        self.size += len(chunk)

    def finish(self, *, name: str, content_type: str) -> IncomingFile:
        """The file, written and closed: a form of a thousand files keeps no descriptor open."""
        try:
            self.handle.close()  # writes what was buffered
        except OSError:
            self.discard()
            raise
        return IncomingFile(
            self.handle,
            self.path,
            name=name,
            content_type=content_type,
            size=self.size,
            sha256=self.hash.hexdigest(),
        )

    def discard(self) -> None:
        """Drop what came so far."""
        with suppress(OSError):
            self.handle.close()
        self.path.unlink(missing_ok=True)


class HashingUploadHandler(FileUploadHandler):
    """Django upload handler. A file over the limit is dropped; ``uploads_too_large`` names it."""

    chunk_size = CHUNK

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Start a file."""
        super().new_file(*args, **kwargs)
        self.intake: Intake | None = Intake()
        self.given_name = kwargs.get("file_name") or (args[1] if len(args) > 1 else "")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write, or drop the file at the limit."""
        if self.intake is None:
            raise SkipFile
        self.intake.write(raw_data)
        limit = getattr(self.request, "upload_limit", None) or env().limits.upload_bytes
        if self.intake.size > limit:
            self.intake.discard()
            self.intake = None
            too_large = getattr(self.request, "uploads_too_large", [])
            self.request.uploads_too_large = [*too_large, self.given_name]  # type: ignore[union-attr]
            raise SkipFile

    def file_complete(self, file_size: int) -> IncomingFile | None:
        """The finished file."""
        if self.intake is None:
            return None
        done, self.intake = self.intake, None
        return done.finish(
            name=str(self.file_name or "file"), content_type=str(self.content_type or "")
        )

    def upload_interrupted(self) -> None:
        """The client went away: leave nothing behind."""
        if getattr(self, "intake", None) is not None:
            self.intake.discard()  # type: ignore[union-attr]


def printable_name(name: str) -> str:
    """A user's file name without control characters, as shown back to them (≤ 1,000 characters)."""
    kept = (c for c in name if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"})
    return "".join(kept)[:1000] or "file"


def safe_name(name: str) -> str:
    """One safe NFC path part of at most 255 bytes, the extension kept."""
    text = unicodedata.normalize("NFC", printable_name(name)).replace("\\", "/").rsplit("/", 1)[-1]
    text = re.sub(r'[<>:"|?*\x00-\x1f]', "_", text).strip().strip(".") or "file"
    stem, dot, extension = text.rpartition(".")
    if not dot or len(extension) > 20:
        stem, extension = text, ""
    tail = f".{extension}" if extension else ""
    room = NAME_BYTES - len(tail.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip() + tail
