"""A file system of its own for a stack's storage, that can be made full at will."""

from __future__ import annotations

import os
import shutil
import subprocess  # noqa: TID251 - mount is how a disk is made small
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE_KB = 2_000_000  # at most; a tmpfs takes what is used


class SmallDisk:
    """A tmpfs at a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def resize(self, kilobytes: int) -> None:
        """Change what fits in."""
        option = f"remount,size={kilobytes}k"
        subprocess.run(["mount", "-o", option, str(self.folder)], check=True, timeout=20)

    @contextmanager
    def full(self, room_kb: int = 0) -> Iterator[None]:
        """Leave so much room while the block runs, and no more."""
        state = os.statvfs(self.folder)
        used_kb = (state.f_blocks - state.f_bfree) * state.f_frsize // 1024
        self.resize(max(used_kb + room_kb, 4))  # 0 would mean: without limit
        try:
            yield
        finally:
            self.resize(SIZE_KB)


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk | None]:
    """Mounted at the folder while the block runs; None where that is not allowed."""
    folder.mkdir(parents=True)
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", f"size={SIZE_KB}k,mode=700", "tmpfs"]
    try:
        done = subprocess.run([*command, str(folder)], check=False, capture_output=True, timeout=20)
    except OSError:
        yield None
        return
    if done.returncode:
        yield None
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, timeout=20)
