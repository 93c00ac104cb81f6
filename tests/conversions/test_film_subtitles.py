"""Subtitles out of films: the track that was asked for, every cue, or plain words."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conversions.engines import registry
from conversions.engines.execute import execute
from conversions.engines.spec import EngineCall, EngineError, EngineResult
from conversions.verification import verify
from tests.conversions.support import sample

pytestmark = pytest.mark.engine
FILMS = Path(__file__).parents[1] / "samples" / "video"


def _take(folder: Path, film: Path, target: str, **options: object) -> EngineResult:
    spec = registry.BY_ID["film_subtitles"]
    if not registry.version(spec.id):
        pytest.skip("FFmpeg is not installed")
    code = film.suffix[1:]
    source = folder / f"in.{code}"
    shutil.copyfile(film, source)
    call = EngineCall(
        source=source,
        target=folder / f"out.{target}",
        input_format=code,
        output_format=target,
        options=spec.options.model_validate(options),
        workdir=folder,
        deadline_s=60,
    )
    return execute(spec, call)


@pytest.mark.parametrize("film", ["mkv", "mp4", "webm"])
@pytest.mark.parametrize("target", ["srt", "vtt", "ass"])
def test_the_first_track_with_every_cue(film: str, target: str, tmp_path: Path) -> None:
    source = FILMS / f"two-subtitles.{film}"

    result = _take(tmp_path, source, target)

    text = result.outputs[0].read_text()
    assert "Hello" in text
    assert "my friend" in text
    assert "Guten Tag" not in text
    report = verify(source, film, result.outputs, target, {}, "film_subtitles", claims=result.facts)
    assert report.verdict == "verified", report


def test_another_track_by_number_and_by_language(tmp_path: Path) -> None:
    source = FILMS / "two-subtitles.mkv"
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    by_number = _take(tmp_path / "a", source, "srt", track=2)
    by_language = _take(tmp_path / "b", source, "srt", language="ger")

    assert "Guten Tag" in by_number.outputs[0].read_text()
    assert by_language.outputs[0].read_bytes() == by_number.outputs[0].read_bytes()


def test_a_lost_cue_is_caught(tmp_path: Path) -> None:
    source = FILMS / "two-subtitles.mkv"
    result = _take(tmp_path, source, "srt")
    output = result.outputs[0]

    output.write_text(output.read_text().split("\n\n")[0] + "\n")

    report = verify(source, "mkv", result.outputs, "srt", {}, "film_subtitles", claims=result.facts)
    assert report.verdict == "failed"


def test_a_film_without_subtitles_says_so(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no subtitles"):
        _take(tmp_path, sample("video/ten-seconds.mp4"), "srt")
