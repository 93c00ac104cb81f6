"""Windows metafiles become drawings and pages of their own size; light becomes pictures."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from conversions.engines import registry
from conversions.engines.spec import EngineError
from conversions.verification import Report, verify
from inspection.detect import detect
from tests.conversions.support import convert

pytestmark = pytest.mark.engine
SAMPLES = Path(__file__).parents[1] / "samples"
DRAWINGS = (
    "poi-diagram.emf",
    "grasslogo_vector.emf",
    "calligra-bitmap.emf",
    "python-pptx-icon.emf",
    "pikachu.wmf",
    "python-pptx-logo.wmf",
)
WIDE, HIGH = 180, 120


def made(folder: Path, file: Path, engine: str, target: str, **options: Any) -> Path:
    """The result of one file."""
    source = file.suffix.removeprefix(".")
    _, result = convert(folder, str(file), engine, source, target, options=options)
    return result.outputs[0]


def judged(file: Path, result: Path, engine: str) -> Report:
    """What verification says of it."""
    ends = (path.suffix.removeprefix(".") for path in (file, result))
    options = registry.BY_ID[engine].options()
    return verify(file, next(ends), (result,), next(ends), options, engine)


@pytest.mark.parametrize("target", ["svg", "pdf"])
@pytest.mark.parametrize("name", DRAWINGS)
def test_a_metafile_becomes_a_drawing_of_its_own_size(
    name: str, target: str, tmp_path: Path
) -> None:
    file = SAMPLES / "vector" / name
    assert detect(file, name).format == file.suffix.removeprefix(".")

    result = made(tmp_path, file, "libreoffice", target)

    report = judged(file, result, "libreoffice")
    assert report.verdict == "verified", [check for check in report.checks if not check.ok]


def test_a_picture_that_stands_on_its_head_is_shown(tmp_path: Path) -> None:
    file = SAMPLES / "vector" / "calligra-bitmap.emf"
    result = made(tmp_path, file, "libreoffice", "svg")
    words = result.read_text()
    assert 'height="-' not in words

    shown = result.read_text().replace('transform="matrix(1 0 0 -1 0', 'height="-1" was="(1 0 0 -1')
    result.write_text(shown)

    assert judged(file, result, "libreoffice").verdict == "failed"


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_metafile_that_was_cut_off_is_refused(name: str, tmp_path: Path) -> None:
    data = (SAMPLES / "vector" / name).read_bytes()
    torn = tmp_path / f"torn{Path(name).suffix}"
    torn.write_bytes(data[: len(data) * 2 // 3])

    with pytest.raises(EngineError) as caught:
        made(tmp_path, torn, "libreoffice", "svg")

    assert caught.value.code == "file_corrupt"


def test_a_blank_or_larger_drawing_does_not_pass(tmp_path: Path) -> None:
    file = SAMPLES / "vector" / "pikachu.wmf"
    result = made(tmp_path, file, "libreoffice", "svg")
    words = result.read_text()

    result.write_text(words.replace('stroke="', 'display="none" stroke="').replace("<path", "<a"))
    blank = judged(file, result, "libreoffice").verdict
    result.write_text(words.replace('width="', 'width="1', 1))
    larger = judged(file, result, "libreoffice").verdict

    assert (blank, larger) == ("failed", "failed")


def test_a_drawing_amid_a_sheet_does_not_pass(tmp_path: Path) -> None:
    pymupdf: Any = importlib.import_module("pymupdf")
    file = SAMPLES / "vector" / "pikachu.wmf"
    result = made(tmp_path, file, "libreoffice", "pdf")
    with pymupdf.open(result) as drawn, pymupdf.open() as sheet:
        page = sheet.new_page(width=595, height=842)
        page.show_pdf_page(pymupdf.Rect(100, 100, 300, 350), drawn, 0)
        made_of_it = sheet.tobytes()
    result.write_bytes(made_of_it)

    assert judged(file, result, "libreoffice").verdict == "failed"


def sky(folder: Path) -> Path:
    """A sun 2,000 times as bright as the ground, as Radiance keeps it."""
    down, across = np.mgrid[0:HIGH, 0:WIDE].astype("float32")
    light = np.dstack([np.exp(-down / 40) * 3 * share for share in (1.3, 1.0, 0.7)])
    light[80:] = (0.01, 0.03, 0.02)
    light += (np.exp(-((np.hypot(across - 135, down - 25) / 6) ** 2)) * 60)[..., None]
    light[90:110, 20:50] = (0.02, 0.02, 0.25)
    path = folder / "sky.hdr"
    cv2.imwrite(str(path), light.astype("float32"))
    return path


@pytest.mark.parametrize("target", ["png", "jpg", "webp", "tiff"])
def test_light_is_brought_to_a_screen(target: str, tmp_path: Path) -> None:
    file = sky(tmp_path)

    result = made(tmp_path, file, "light", target)

    assert judged(file, result, "light").verdict == "verified"
    with Image.open(result) as picture:
        sun, ground, red = (picture.getpixel(one) for one in ((135, 25), (100, 115), (35, 100)))
    assert isinstance(sun, tuple)
    assert isinstance(ground, tuple)
    assert isinstance(red, tuple)
    assert min(sun) > 225
    assert 8 < max(ground) < 110
    assert red[0] > 2 * max(red[1], red[2])


def test_the_bright_sky_is_not_burnt_unless_asked(tmp_path: Path) -> None:
    shades: dict[str, list[Any]] = {}
    for tone in ("auto", "clip"):
        (tmp_path / tone).mkdir()
        result = made(tmp_path / tone, sky(tmp_path), "light", "png", tone=tone)
        with Image.open(result) as picture:
            shades[tone] = [picture.convert("L").getpixel((20, down)) for down in (2, 20)]

    assert shades["clip"] == [255, 255]
    assert shades["auto"][1] < shades["auto"][0] < 250


@pytest.mark.parametrize("name", ["kimageformats.hdr", "rgb-gimp.exr"])
def test_what_fits_a_screen_stays_as_it_is(name: str, tmp_path: Path) -> None:
    file = SAMPLES / "image" / name

    result = made(tmp_path, file, "light", "png")

    assert judged(file, result, "light").verdict == "verified"
    with Image.open(result) as picture:
        assert picture.size == (32, 32)
        assert picture.convert("RGB").getpixel((0, 31)) == (255, 255, 255)


@pytest.mark.parametrize("name", ["sky.hdr", "rgb-gimp.exr"])
def test_light_that_was_cut_off_is_refused(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    if name == "sky.hdr":
        sky(tmp_path)
    else:
        shutil.copyfile(SAMPLES / "image" / name, file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])

    with pytest.raises(EngineError) as caught:
        made(tmp_path, file, "light", "png")

    assert caught.value.code == "file_corrupt"


def test_a_head_that_claims_too_much_light_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.hdr"
    file.write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 60000 +X 60000\n" + bytes(4096))

    with pytest.raises(EngineError) as caught:
        made(tmp_path, file, "light", "png")

    assert caught.value.code in ("limit_exceeded", "file_corrupt", "output_too_large")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda picture: Image.new("RGB", picture.size),
        lambda picture: picture.transpose(Image.Transpose.ROTATE_180),
        lambda picture: picture.crop((0, 0, WIDE // 2, HIGH)),
    ],
    ids=["black", "turned", "cropped"],
)
def test_wrong_light_does_not_pass(
    wrong: Callable[[Image.Image], Image.Image], tmp_path: Path
) -> None:
    file = sky(tmp_path)
    result = made(tmp_path, file, "light", "png")

    with Image.open(result) as picture:
        wrong(picture.convert("RGB")).save(result)

    assert judged(file, result, "light").verdict == "failed"
