"""Work folders: how much they hold, and who may write in them."""

from __future__ import annotations

import os
from pathlib import Path

from sandbox.profiles import NOBODY


def tree_bytes(folder: str, *, stop_at: int) -> int:
    """Bytes on disk below ``folder``, links not followed; stops counting once past ``stop_at``."""
    total, pending = 0, [folder]
    while pending and total <= stop_at:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError:
            continue  # the engine removes its own temporary files meanwhile
    return total


def give(folder: str) -> None:
    """Let the sandbox's user own the folder and what is in it (a matter for root only)."""
    if os.getuid() != 0:
        return
    os.chown(folder, NOBODY, NOBODY)
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(root) / name, NOBODY, NOBODY, follow_symlinks=False)


def let_read(path: str) -> None:
    """Let the sandbox's user read one file that lies elsewhere."""
    if os.getuid() != 0:
        return
    state = Path(path).stat()
    if not state.st_mode & 0o004 and state.st_uid != NOBODY:
        os.chown(path, NOBODY, -1)
