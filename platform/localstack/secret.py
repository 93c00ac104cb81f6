"""Random secrets of one data folder, made once, readable to its owner only."""

import os
import secrets
from pathlib import Path


def remembered_secret(path: Path) -> str:
    """The text in `path`, written there with 48 random characters when it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as out:
        text = secrets.token_urlsafe(36)
        out.write(text + "\n")
    return text
