"""Real samples and one conversion, for the tests of engines."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from conversions.engines import registry
from conversions.engines.execute import execute
from conversions.engines.spec import EngineCall, EngineResult

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"


def sample(name: str) -> Path:
    """A sample that lies beside the checkout."""
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"sample {name} is not beside this checkout")
    return path


def convert(
    folder: Path, name: str, engine: str, source: str, target: str, **more: Any
) -> tuple[Path, EngineResult]:
    """Convert a sample in its own folder; (source in the folder, result)."""
    spec = registry.BY_ID[engine]
    if not registry.version(engine):
        pytest.skip(f"{spec.name} is not installed")
    original = sample(name)
    work = folder / "work"
    work.mkdir()
    mine = work / f"in.{source}"
    shutil.copyfile(original, mine)
    call = EngineCall(
        source=mine,
        target=work / f"out.{target}",
        input_format=source,
        output_format=target,
        options=spec.options(**more.get("options", {})),
        workdir=work,
        deadline_s=more.get("deadline_s", 60),
        password=more.get("password"),
        progress=more.get("progress", lambda fraction, stage: None),
    )
    return mine, execute(spec, call)
