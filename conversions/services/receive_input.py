"""Judge an upload by its content, before anything is stored or charged."""

from __future__ import annotations

from dataclasses import dataclass

from conversions import errors
from conversions.services.weigh_pdf import refuse_large_pdf
from core.errors import FileTooLarge
from core.uploads import IncomingFile, printable_name
from inspection.detect import Detection, detect
from inspection.packages import PACKAGED


@dataclass(frozen=True, kw_only=True)
class Source:
    """An input that may be converted, still in the incoming folder."""

    file: IncomingFile
    filename: str
    format: str
    media_type: str
    warnings: tuple[str, ...]


def receive_input(
    *,
    file: IncomingFile,
    max_bytes: int | None,
    has_password: bool,
    force: bool,
    any_type: bool = False,
    password: str | None = None,
) -> Source:
    """The source, or the policy's refusal (API.md "Odd files")."""
    filename = printable_name(file.original_name)
    if max_bytes is not None and (file.size or 0) > max_bytes:
        raise FileTooLarge(f"{filename} has {file.size} bytes, the limit is {max_bytes}.")
    if not file.size:
        raise errors.FileEmpty(f"{filename} has no bytes. Send a file with content.")
    found = detect(file.path, filename)
    if any_type:  # it is only packed, as it is
        return Source(
            file=file,
            filename=filename,
            format=found.format or "bin",
            media_type=found.media_type,
            warnings=(),
        )
    refuse(found, filename, has_password=has_password, force=force)
    if found.format == "pdf":
        refuse_large_pdf(file.path, filename, password)
    return Source(
        file=file,
        filename=filename,
        format=str(found.format),
        media_type=found.media_type,
        warnings=tuple(found.warnings),
    )


def refuse(found: Detection, filename: str, *, has_password: bool, force: bool) -> None:
    """Raise what the content forbids."""
    if found.empty:
        raise errors.FileEmpty(f"{filename} holds only white space.")
    if found.malicious:
        raise errors.FileMalicious(
            f"{filename} declares external or exploding entities. Save it again without them."
        )
    if found.archive_bomb:
        raise errors.ArchiveBomb(f"{filename} unpacks to more than is allowed.")
    if found.points_elsewhere:
        raise errors.FileMalicious(
            f"{filename} points at other files (a playlist or script). Send the file itself."
        )
    refuse_other_type(found, filename, force=force)
    if found.format is None:
        raise errors.FileTypeUnknown(
            f"{filename} is {found.media_type}, which is not a format we read."
        )
    if found.needs_password and not has_password:
        raise errors.FileEncrypted(f"{filename} is locked. Send its `password` and try again.")


def refuse_other_type(found: Detection, filename: str, *, force: bool) -> None:
    """Raise where the content is not what the name says; a cut-off package is no plain zip."""
    says_nothing = found.declared_format is None
    if found.extension_matches or found.same_family or says_nothing or force:
        return
    if found.damaged and found.declared_format in PACKAGED:
        raise errors.FileCorrupt(f"{filename} is damaged or cut off: it can't be unpacked.")
    raise errors.FileTypeMismatch(mismatch_text(found, filename))


def mismatch_text(found: Detection, filename: str) -> str:
    """What it is, what it says, what to do."""
    what = found.format or found.media_type
    return (
        f"{filename} is named {found.declared_format} but holds {what}. "
        "Give it its right extension, or send force=true to convert it as what it is."
    )
