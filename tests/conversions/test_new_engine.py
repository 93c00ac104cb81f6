"""An engine is one file, and one sample: nothing else of the product is told of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess  # noqa: TID251 - a copy of the product in a folder of its own
import sys
from pathlib import Path

import grimp
import pytest

from conversions.engines import registry
from conversions.verification import verify
from inspection.detect import detect
from tests.conversions.support import convert

pytestmark = pytest.mark.engine
ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "tests" / "samples"
OFFERED = """
import sys
from conversions import offer
from inspection.detect import detect
from pathlib import Path
print(detect(Path(sys.argv[1]), "a.leaflet").format, *offer.targets("leaflet"))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The product without its data, in a folder of its own."""
    for name in ("conversions", "platform"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "formats.md", tmp_path / "docs")
    tmp_path.chmod(0o755)
    return tmp_path


def python(folder: Path, *arguments: str) -> str:
    """The output of a program of the copy."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={"PATH": os.defpath, "PYTHONPATH": f"{folder}:{folder / 'platform'}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_one_file_and_one_sample_offer_a_new_pair(copy: Path) -> None:
    samples = copy / "samples"
    samples.mkdir()
    (samples / "a.leaflet").write_text("leaflet\nTake two in the morning\nand one at night\n")
    before = (copy / "conversions/engines/verified.json").read_text()

    python(copy, "-m", "conversions.engines.new", "leaflet")
    told = python(copy, "-m", "conversions.matrix", "--only", "leaflet", "--samples", str(samples))

    assert told.split()[1] == "good,"
    after = (copy / "conversions/engines/verified.json").read_text()
    assert '"leaflet>txt"' in after
    assert '"leaflet>txt"' not in before
    asked = python(copy, "-c", OFFERED, str(samples / "a.leaflet")).split()
    assert asked[0] == "leaflet"
    assert "txt" in asked[1:]
    assert "pdf" in asked[1:]  # by way of what others make of text
    assert "| leaflet | txt (leaflet, " in (copy / "docs/formats.md").read_text()


def test_a_run_of_one_engine_keeps_what_is_written_of_the_others(copy: Path) -> None:
    old = (copy / "docs/formats.md").read_text().splitlines()

    python(copy, "-m", "conversions.matrix", "--only", "calendars", "--samples", str(SHIPPED))

    new = (copy / "docs/formats.md").read_text().splitlines()
    minutes = [line.split(", in ")[1] for text in (old, new) for line in text if ", in " in line]
    assert minutes[0] == minutes[-1]
    assert not minutes[0].startswith("0.0 ")
    refused = [line for line in old if re.match(r"[|-] \w+ → ", line)]
    assert refused
    assert [line for line in refused if line not in new] == []


def test_no_engine_imports_another() -> None:
    graph = grimp.build_graph("conversions")
    engines = registry.engine_modules()

    chains = [
        graph.find_shortest_chain(one, other)
        for one in engines
        for other in engines
        if one != other and graph.chain_exists(importer=one, imported=other)
    ]

    assert len(engines) > 20
    assert chains == []


def test_a_calendar_becomes_a_table(tmp_path: Path) -> None:
    source, result = convert(tmp_path, str(SHIPPED / "calendar.ics"), "calendars", "ics", "csv")

    lines = result.outputs[0].read_text().splitlines()
    assert lines[0].startswith("kind,summary,start,end")
    assert result.outputs[0].read_text().count("2026-10-05T10:30:00+02:00") == 1
    assert "event,Call with the printers,2026-10-07T14:00:00+00:00,2026-10-07T14:45:00" in lines[5]
    assert detect(source, "noname").format == "ics"
    report = verify(source, "ics", result.outputs, "csv", {}, "calendars", claims=result.facts)
    assert report.verdict == "verified", report


def test_a_calendar_that_lost_an_entry_does_not_pass(tmp_path: Path) -> None:
    source, result = convert(tmp_path, str(SHIPPED / "calendar.ics"), "calendars", "ics", "csv")
    whole = result.outputs[0].read_text()
    cut = whole[: whole.rindex("todo,")]
    result.outputs[0].write_text(cut)

    report = verify(source, "ics", result.outputs, "csv", {}, "calendars", claims=result.facts)

    assert report.verdict == "failed"
