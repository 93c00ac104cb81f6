"""Work folders: how much they hold, and who may write in them."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from sandbox.profiles import FIRST_USER, NOBODY, USERS


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


_turns = itertools.count()


def fresh_user() -> int:
    """A user for one program; the same one comes again after thousands."""
    return FIRST_USER + (os.getpid() * 101 + next(_turns)) % USERS


def give(folder: str, user: int = NOBODY) -> None:
    """Let the sandbox's user own the folder and what is in it (a matter for root only)."""
    if os.getuid() != 0:
        return
    os.chown(folder, user, user)
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(root) / name, user, user, follow_symlinks=False)


def let_read(path: str) -> None:
    """Let the sandbox's users read one file that lies elsewhere, in a folder that hides it."""
    if os.getuid() != 0:
        return
    state = Path(path).stat()
    if not state.st_mode & 0o004:
        Path(path).chmod(state.st_mode | 0o004)
