"""Pictures that no reader of ours opens, turned into PNG by a program other than their writer."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from sandbox import runner


def _by_ffmpeg(source: Path, target: Path) -> list[str]:
    safe = ["-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe"]
    return ["ffmpeg", *safe, "-i", f"file:{source}", "-frames:v", "1", f"file:{target}"]


def _by_vips(source: Path, target: Path) -> list[str]:
    return ["vips", "--vips-concurrency=1", "heifload", str(source), f"{target}[compression=1]"]


def _by_magick(coder: str) -> Callable[[Path, Path], list[str]]:
    def command(source: Path, target: Path) -> list[str]:
        return ["/usr/bin/convert-im6.q16", "-quiet", f"{coder}:{source}[0]", f"png:{target}"]

    return command


_MAGICK = (
    *("miff", "mng", "jng", "viff", "vicar", "jbig", "avs", "mtv", "otb", "wbmp", "pict", "fax"),
    "psb",
)
_CLEAR_PARTS = (b"urn:mpeg:hevc:2015:auxid:1", b"auxiliary:alpha")
VIEWERS: dict[str, Callable[[Path, Path], list[str]]] = {
    "jxl": _by_ffmpeg,
    # OpenCV reads these without what is clear in them.
    **dict.fromkeys(("tga", "sgi", "qoi", "dds"), _by_ffmpeg),
    **{code: _by_magick(code) for code in _MAGICK},
    **dict.fromkeys(("heic", "heif"), _by_vips),
    "pam": _by_magick("pam"),  # OpenCV takes black for white where there are two values
}


def _needs_none(path: Path, code: str) -> bool:
    """HEIC has a reader of its own, which knows no transparency."""
    if code not in ("heic", "heif"):
        return code not in VIEWERS
    with path.open("rb") as file:
        head = file.read(1 << 16)
    return not any(mark in head for mark in _CLEAR_PARTS)


@contextlib.contextmanager
def viewable(path: Path, code: str) -> Iterator[tuple[Path, str]]:
    """The file itself, or a PNG made of it that lives as long as the context."""
    if _needs_none(path, code):
        yield path, code
        return
    with tempfile.TemporaryDirectory(prefix="view-") as name:
        folder = Path(name)
        copy, target = folder / f"view.{code}", folder / "view.png"
        shutil.copyfile(path, copy)
        ended = runner.run(VIEWERS[code](copy, target), profile="picture", workdir=folder)
        if ended.returncode == 0 and target.exists():
            yield target, "png"
        else:
            yield path, code
