"""Files by key: ``<schema>/<kind>/<id>/…``. Written to a temporary name, synced, then renamed."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.db import InterfaceError, OperationalError

from core.env import env
from core.tenancy import require_tenant


def root() -> Path:
    """The storage folder."""
    return env().storage.folder


def tenant_key(*parts: str) -> str:
    """A key below the current tenant's prefix. Parts are our own names, never a user's path."""
    for part in parts:
        if not part or "/" in part or part in (".", ".."):
            raise ValueError(f"not one safe path part: {part!r}")
    return "/".join((require_tenant(), *parts))


def path_of(key: str) -> Path:
    """Where a key lies; raises ValueError if it would leave the storage folder."""
    path, top = (root() / key).resolve(), root().resolve()
    if path == top or not path.is_relative_to(top):
        raise ValueError(f"key leaves the storage, or is none: {key!r}")
    return path


def incoming_folder() -> Path:
    """Where uploads are written before they have a key; same file system as the storage."""
    folder = root() / "_incoming"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def adopt(source: Path, key: str) -> None:
    """Move a file of the same file system under its key, durably."""
    target = path_of(key)
    target.parent.mkdir(parents=True, exist_ok=True)
    sync_file(source)
    source.replace(target)
    sync_folder(target.parent)


def store(source: Path, key: str) -> None:
    """Copy a file from anywhere under a key, durably."""
    with tempfile.NamedTemporaryFile(dir=incoming_folder(), delete=False) as copy:
        temporary = Path(copy.name)
        try:
            with source.open("rb") as reader:
                shutil.copyfileobj(reader, copy, 1 << 20)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    adopt(temporary, key)


@contextmanager
def undone_with(*keys: str, folder: str = "") -> Iterator[None]:
    """Files that go again when the block, which commits the rows that name them, fails.

    Unless the database went away: nobody knows then whether it has committed, and a row without its
    file is worse than a file without its row, which the sweep of strays removes.
    """
    try:
        yield
    except (OperationalError, InterfaceError):
        raise
    except BaseException:
        for key in keys:
            delete(key)
        if folder:
            delete_folder(folder)
        raise


def delete(key: str) -> None:
    """Remove a file; nothing happens when it is not there."""
    path_of(key).unlink(missing_ok=True)


def delete_folder(prefix: str) -> None:
    """Remove everything below a prefix."""
    shutil.rmtree(path_of(prefix), ignore_errors=True)


def bury_tenant(schema_name: str) -> None:
    """Remove every file of a tenant for good. Idempotent.

    An empty file takes the folder's name, so that a late worker can't make the folder again.
    """
    place = path_of(schema_name)
    while not place.is_file():
        grave = root() / f"_buried-{secrets.token_hex(8)}"
        with suppress(FileNotFoundError):
            place.rename(grave)
        with suppress(FileExistsError, IsADirectoryError):  # a late worker was quicker
            place.touch(exist_ok=False)
        shutil.rmtree(grave, ignore_errors=True)


def sync_file(path: Path) -> None:
    """Flush a file to the disk."""
    with path.open("rb") as handle:
        os.fsync(handle.fileno())


def sync_folder(path: Path) -> None:
    """Flush a folder entry to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def lend(key: str) -> Path:
    """A second name for a stored file in the incoming folder, to be adopted under another key.

    A hard link where the file system has them: no byte is copied, and either name may go first.
    """
    target = incoming_folder() / secrets.token_hex(16)
    try:
        target.hardlink_to(path_of(key))
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(path_of(key), target)
    return target
