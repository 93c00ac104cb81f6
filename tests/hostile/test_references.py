"""Nothing that a file refers to is fetched or read, by the engine's own locks as by the sandbox."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from conversions.engines.libreoffice import PLAN
from conversions.engines.spec import EngineError
from tests.hostile.lures import LURES
from tests.hostile.support import run, said

pytestmark = pytest.mark.engine
SECRET = b"FM-SECRET-0451"


@pytest.fixture(scope="module")
def canary() -> Iterator[tuple[str, list[str]]]:
    """An address that nobody may visit, and who did."""
    seen: list[str] = []
    server = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        try:
            while True:
                seen.append(str(server.accept()[1]))
        except OSError:
            return

    threading.Thread(target=listen, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/x.png", seen
    server.close()


@pytest.mark.parametrize(
    ("source", "engine", "target"),
    [
        ("docx", "libreoffice", "pdf"),
        ("docx", "pandoc", "html"),
        ("fodt", "libreoffice", "txt"),
        ("fods", "libreoffice", "csv"),
        ("rtf", "libreoffice", "txt"),
        ("html", "libreoffice", "pdf"),
        ("html", "pandoc", "docx"),
        ("md", "pandoc", "epub"),
        ("rst", "pandoc", "html"),
        ("org", "pandoc", "docx"),
        ("tex", "pandoc", "html"),
        ("svg", "librsvg", "pdf"),
    ],
)
def test_it_converts_without_what_it_refers_to(
    source: str, engine: str, target: str, tmp_path: Path, canary: tuple[str, list[str]]
) -> None:
    url, visitors = canary
    work = tmp_path / "work"
    work.mkdir()
    # Beside the source, where the sandbox lets it be read: the engine's own locks must hold.
    secret = work / "secret.txt"
    secret.write_bytes(SECRET)

    result = run(tmp_path, LURES[source](url, secret), engine, source, target)

    text = said(result)
    assert SECRET not in text
    assert b"VISIBLE" in text or source == "svg"
    assert visitors == []


def test_postscript_reads_no_file_though_the_sandbox_shows_it(tmp_path: Path) -> None:
    # Its own folder, where it may make temporary files, it may read as well.
    shown = Path("/usr/lib/os-release")

    result = run(tmp_path, LURES["ps"]("", shown), "ghostscript", "ps", "pdf")

    text = said(result)
    assert b"VISIBLE" in text
    assert shown.read_bytes()[:12] not in text


@pytest.mark.parametrize("source", ["mp4", "mkv", "wav"])
def test_a_playlist_under_a_films_name_opens_nothing(source: str, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    beside = tmp_path / "work" / "beside.ts"
    beside.write_bytes(SECRET)
    playlist = f"#EXTM3U\n#EXTINF:9,\n{beside}\n#EXT-X-ENDLIST\n".encode()

    with pytest.raises(EngineError) as caught:
        run(tmp_path, playlist, "ffmpeg", source, "mp3")

    assert caught.value.code == "file_corrupt"


@pytest.mark.parametrize(
    "content",
    [
        b"push graphic-context\nviewbox 0 0 9 9\nimage over 0,0 9,9 '/work/secret'\n",
        b'<?xml version="1.0"?><image><read filename="text:/etc/mime.types"/></image>',
        b"@/etc/mime.types",
    ],
)
def test_scripts_under_a_pictures_name_are_not_run(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        run(tmp_path, content, "imagemagick", "miff", "png")

    assert caught.value.code == "file_corrupt"


def test_the_office_profile_forbids_macros_links_and_active_content() -> None:
    profile = next(path for path in PLAN.files if path.suffix == ".xcu").read_text()

    for name, value in (
        ("BlockUntrustedRefererLinks", "true"),
        ("DisableMacrosExecution", "true"),
        ("DisableActiveContent", "true"),
        ("MacroSecurityLevel", "3"),
        ("Link", "0"),
    ):
        assert f'"{name}" oor:op="fuse"><value>{value}</value>' in profile
