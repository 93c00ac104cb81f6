"""The picture of a person: drawn anew in the sandbox, kept in three sizes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from django.db import transaction

from accounts.models import User
from accounts.terms import AVATAR_SIZES
from core import storage
from core.env import env
from core.errors import ServiceUnavailable, UnsupportedMediaType, invalid
from core.ids import new_id
from sandbox import pool
from sandbox.outcomes import Crashed, LimitHit, Raised, SandboxUnavailable

DRAW = "accounts.portraits:draw"
PRELOAD = ("PIL.Image", "PIL.ImageOps", "PIL.WebPImagePlugin", "accounts.portraits")
DEADLINE_S = 15.0


def avatar_key(avatar: str, size: int) -> str:
    """Where a size lies; the name is unguessable."""
    return f"_people/{avatar}/{size}.webp"


def put_avatar(*, user_id: str, source: Path) -> User:
    """Draw and store a new picture; the old one's files go. Raises UnsupportedMediaType."""
    avatar = new_id("ava")
    with tempfile.TemporaryDirectory(dir=work_folder()) as folder:
        draw(source, Path(folder))
        for size in AVATAR_SIZES:
            storage.store(Path(folder) / f"{size}.webp", avatar_key(avatar, size))
    return replace(user_id, avatar)


def work_folder() -> Path:
    """Where private folders of the sandbox may lie."""
    folder = env().storage.work_folder
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def draw(source: Path, folder: Path) -> None:
    """Every size of a picture, in the folder."""
    payload = {"source": str(source), "folder": str(folder), "sizes": list(AVATAR_SIZES)}
    try:
        answer = pool.server(PRELOAD).call(
            DRAW,
            payload,
            profile="inspect",
            workdir=folder,
            readable=(source,),
            deadline_s=DEADLINE_S,
        )
    except SandboxUnavailable as error:
        raise ServiceUnavailable("Pictures can't be taken right now. Try again.") from error
    except (LimitHit, Crashed, Raised) as error:
        raise UnsupportedMediaType("This picture takes too much to read.") from error
    if answer.value.get("refused"):
        raise UnsupportedMediaType(str(answer.value["refused"]))


def drop_avatar(*, user_id: str) -> User:
    """Remove the picture. Idempotent."""
    return replace(user_id, "")


def replace(user_id: str, avatar: str) -> User:
    """Name the new picture, then delete the old one's files."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        old, user.avatar = user.avatar, avatar
        user.save(update_fields=["avatar"])
    if old:
        storage.delete_folder(f"_people/{old}")
    return user


def avatar_file(*, avatar: str, size: int) -> str:
    """The key of a stored size. Raises ValidationFailed for another size."""
    if size not in AVATAR_SIZES:
        raise invalid("size", f"Sizes are {', '.join(map(str, AVATAR_SIZES))}.")
    return avatar_key(avatar, size)
