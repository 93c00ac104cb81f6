"""A reader that somebody killed says nothing about the file that it read."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import NoReturn

import pytest
from PIL import Image

from conversions.verification import verify
from conversions.verification.tools import Operation, verify_tool
from sandbox import pool
from sandbox.outcomes import Crashed, SandboxError, SandboxUnavailable


class Broken:
    """A warm parent whose child ends in some way."""

    def __init__(self, error: SandboxError) -> None:
        self.error = error

    def call(self, *args: object, **kwargs: object) -> NoReturn:
        raise self.error


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    Image.new("RGB", (4, 4)).save(path)
    return path


@pytest.mark.parametrize(
    "error", [Crashed("killed", signal=signal.SIGKILL), SandboxUnavailable("no room")]
)
def test_a_killed_reader_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, picture: Path, error: SandboxError
) -> None:
    monkeypatch.setattr(pool, "server", lambda *modules: Broken(error))
    done = Operation(
        engine_id="image_compress",
        sources=(picture,),
        source_formats=("png",),
        output_format="png",
        options={},
    )

    with pytest.raises(type(error)):
        verify(picture, "png", (picture,), "png", {}, "vips")
    with pytest.raises(type(error)):
        verify_tool(done, (picture,), claims={}, names=())


def test_a_reader_that_dies_of_the_file_condemns_it(
    monkeypatch: pytest.MonkeyPatch, picture: Path
) -> None:
    error = Crashed("segmentation fault", signal=signal.SIGSEGV)
    monkeypatch.setattr(pool, "server", lambda *modules: Broken(error))

    assert verify(picture, "png", (picture,), "png", {}, "vips").verdict == "failed"
