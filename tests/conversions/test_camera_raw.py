"""Camera raw: negatives in all their packings become the right picture; torn ones are refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from conversions.engines import registry
from conversions.engines.spec import EngineError
from conversions.verification import Report, verify
from inspection.detect import detect
from tests.conversions.raw_samples import Negative, write
from tests.conversions.support import convert

pytestmark = pytest.mark.engine
SAMPLES = Path(__file__).parents[1] / "samples" / "image"
WIDE, HIGH = 240, 160


def scene() -> Image.Image:
    """A picture that no turn or mirror leaves as it was."""
    made = Image.linear_gradient("L").resize((WIDE, HIGH)).convert("RGB")
    pen = ImageDraw.Draw(made)
    pen.rectangle((10, 10, 100, 60), fill=(220, 40, 30))
    pen.ellipse((150, 80, 230, 150), fill=(30, 60, 210))
    pen.rectangle((20, 110, 60, 150), fill=(240, 240, 230))
    return made


def develop(folder: Path, negative: Path, target: str = "png", **options: Any) -> Path:
    """The picture that the engine makes."""
    _, result = convert(folder, str(negative), "camera_raw", "dng", target, options=options)
    return result.outputs[0]


def judged(negative: Path, result: Path, options: Mapping[str, Any] | None = None) -> Report:
    """What verification says of a result."""
    chosen = registry.BY_ID["camera_raw"].options(**(options or {}))
    code = result.suffix.removeprefix(".")
    return verify(negative, "dng", (result,), code, chosen, "camera_raw")


@pytest.mark.parametrize(
    "how",
    [
        Negative(),
        Negative(bits=8),
        Negative(bits=10),
        Negative(bits=12),
        Negative(bits=14),
        Negative(order=">"),
        Negative(linear=True),
        Negative(linear=True, bits=8),
        Negative(linear=True, gray=True, preview=None),
        Negative(preview=None),
        Negative(preview=None, bits=12),
        Negative(preview=None, linear=True),
        *(Negative(orientation=number) for number in range(2, 9)),
        Negative(preview=None, orientation=6),
        Negative(preview=None, orientation=5),
    ],
    ids=lambda how: f"{how.bits}-{how.orientation}-{how.linear}-{how.preview}-{how.order}",
)
def test_each_kind_of_negative_is_developed(how: Negative, tmp_path: Path) -> None:
    negative = write(scene(), tmp_path / "a.dng", how)

    made = develop(tmp_path, negative)

    turned = how.orientation >= 5
    with Image.open(made) as picture:
        assert picture.size == ((HIGH, WIDE) if turned else (WIDE, HIGH))
    report = judged(negative, made)
    assert report.verdict == "verified", [check for check in report.checks if not check.ok]
    assert "same_picture" in {check.name for check in report.checks}


def test_a_result_that_nothing_can_be_held_against_is_only_a_warning(tmp_path: Path) -> None:
    how = Negative(linear=True, gray=True, preview=None, bits=12)  # FFmpeg reads it as black
    negative = write(scene(), tmp_path / "a.dng", how)

    made = develop(tmp_path, negative)

    report = judged(negative, made)
    assert report.verdict == "warnings"
    assert [check.name for check in report.checks if not check.ok] == ["same_picture"]


@pytest.mark.parametrize("target", ["png", "jpg", "tiff", "webp"])
def test_a_losslessly_packed_negative_becomes_each_target(target: str, tmp_path: Path) -> None:
    negative = SAMPLES / "lossless-14.dng"

    made = develop(tmp_path, negative, target)

    assert judged(negative, made).verdict == "verified"


def test_the_crop_that_the_file_asks_for_is_made(tmp_path: Path) -> None:
    how = Negative(crop=(8, 4, WIDE - 20, HIGH - 10), preview=None, orientation=8)
    negative = write(scene(), tmp_path / "a.dng", how)

    made = develop(tmp_path, negative)

    with Image.open(made) as picture:
        assert picture.size == (HIGH - 10, WIDE - 20)


@pytest.mark.parametrize("orientation", [1, 6])
def test_pixels_that_are_no_squares_are_stretched_and_cropped(
    orientation: int, tmp_path: Path
) -> None:
    half = scene().resize((WIDE // 2, HIGH))
    scale = (50718, 5, ((2, 1), (1, 1)))
    crop = (4, 4, WIDE // 2 - 10, HIGH - 8)
    how = Negative(crop=crop, orientation=orientation, more=[scale])
    negative = write(half, tmp_path / "a.dng", how)

    made = develop(tmp_path, negative)

    assert judged(negative, made).verdict == "verified"
    with Image.open(made) as picture:
        assert sorted(picture.size) == sorted((WIDE - 20, HIGH - 8))


def test_the_colours_are_those_of_the_scene(tmp_path: Path) -> None:
    negative = write(scene(), tmp_path / "a.dng", Negative(preview=None))

    made = develop(tmp_path, negative, brightness="as_shot")

    with Image.open(made) as picture:
        for place in ((50, 30), (190, 120), (40, 130)):
            was, now = scene().getpixel(place), picture.convert("RGB").getpixel(place)
            assert isinstance(was, tuple)
            assert isinstance(now, tuple)
            assert max(abs(a - b) for a, b in zip(was, now, strict=True)) < 30, (place, was, now)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.999])
@pytest.mark.parametrize("kind", ["plain", "lossless"])
def test_a_negative_that_was_cut_off_is_refused(kind: str, share: float, tmp_path: Path) -> None:
    whole = SAMPLES / "lossless-14.dng"
    if kind == "plain":
        whole = write(scene(), tmp_path / "a.dng", Negative())
    torn = tmp_path / "torn.dng"
    torn.write_bytes(whole.read_bytes()[: int(share * whole.stat().st_size)])

    with pytest.raises(EngineError) as caught:
        develop(tmp_path, torn)

    assert caught.value.code == "file_corrupt"


def test_a_phones_negative_without_its_pixels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        develop(tmp_path, SAMPLES / "exiv2-iphone-pruned.dng")

    assert caught.value.code == "file_corrupt"


def test_a_download_that_was_never_filled_is_refused(tmp_path: Path) -> None:
    data = (SAMPLES / "lossless-14.dng").read_bytes()
    torn = tmp_path / "torn.dng"
    torn.write_bytes(data[:100_000] + bytes(len(data) - 100_000))

    with pytest.raises(EngineError) as caught:
        develop(tmp_path, torn)

    assert caught.value.code == "file_corrupt"


def test_plain_numbers_that_end_in_zeros_bring_a_warning(tmp_path: Path) -> None:
    negative = write(scene(), tmp_path / "a.dng", Negative())
    data = negative.read_bytes()
    negative.write_bytes(data[:-40_000] + bytes(40_000))

    _, result = convert(tmp_path, str(negative), "camera_raw", "dng", "png")

    assert "zeros" in " ".join(result.warnings)
    assert judged(negative, result.outputs[0]).verdict != "verified"


@pytest.mark.parametrize(
    ("claimed", "code"), [((60_000, 60_000), "limit_exceeded"), ((900, 700), "file_corrupt")]
)
def test_a_head_that_claims_more_than_there_is_is_refused(
    claimed: tuple[int, int], code: str, tmp_path: Path
) -> None:
    negative = write(scene(), tmp_path / "a.dng", Negative(claimed=claimed))

    with pytest.raises(EngineError) as caught:
        develop(tmp_path, negative)

    assert caught.value.code == code


def _black(picture: Image.Image) -> Image.Image:
    return Image.new("RGB", picture.size)


def _upside_down(picture: Image.Image) -> Image.Image:
    return picture.transpose(Image.Transpose.ROTATE_180)


def _mirrored(picture: Image.Image) -> Image.Image:
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def _cropped(picture: Image.Image) -> Image.Image:
    return picture.crop((0, 0, picture.width // 2, picture.height))


def _swapped(picture: Image.Image) -> Image.Image:
    red, green, blue = picture.split()
    return Image.merge("RGB", (blue, green, red))


def _half(picture: Image.Image) -> Image.Image:
    lower = (0, picture.height // 2, picture.width, picture.height)
    picture.paste((0, 0, 0), lower)
    return picture


@pytest.mark.parametrize("wrong", [_black, _upside_down, _mirrored, _cropped, _swapped, _half])
def test_a_wrong_picture_does_not_pass(wrong: Any, tmp_path: Path) -> None:
    negative = write(scene(), tmp_path / "a.dng", Negative())
    made = develop(tmp_path, negative)
    assert judged(negative, made).verdict == "verified"

    with Image.open(made) as picture:
        wrong(picture.convert("RGB")).save(made)

    assert judged(negative, made).verdict == "failed"


def test_a_raw_without_dng_is_told_by_its_maker(tmp_path: Path) -> None:
    for make, code in (
        ("NIKON CORPORATION", "nef"),
        ("SONY", "arw"),
        ("PENTAX", "pef"),
        ("Kodak", "tiffraw"),
    ):
        file = write(scene(), tmp_path / "a.tif", Negative(make=make, dng=False))

        found = detect(file, "a.tif")

        assert (found.format, found.same_family) == (code, True)


@pytest.mark.parametrize("name", ["a.tif", "a.dng", "a.nef"])
def test_a_negative_is_one_by_any_name(name: str, tmp_path: Path) -> None:
    file = write(scene(), tmp_path / name, Negative(make="NIKON CORPORATION"))

    assert detect(file, name).format == "dng"


@pytest.mark.parametrize("name", ["a.tif", "a.nef", "a.dng", "a.arw"])
def test_a_plain_tiff_is_never_raw(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    scene().save(file, "TIFF")
    again = tmp_path / "scanner.tif"
    scene().save(again, "TIFF", tiffinfo={271: "NIKON CORPORATION"})

    assert detect(file, name).format == "tiff"
    assert detect(again, "scanner.tif").format == "tiff"


def test_the_loop_of_directories_ends(tmp_path: Path) -> None:
    below_itself = b"\x4a\x01\x04\0\x01\0\0\0\x08\0\0\0"
    file = tmp_path / "a.dng"
    file.write_bytes(b"II*\0\x08\0\0\0\x01\0" + below_itself + b"\x08\0\0\0")

    assert detect(file, "a.dng").format == "tiff"
