"""What a child of a warm parent needs is imported before it is forked, not for each file."""

from __future__ import annotations

import json
import os
import subprocess  # noqa: TID251 - modules that were imported stay imported
import sys
from pathlib import Path

import pytest
from PIL import Image

from conversions.engines import registry
from inspection.facts import PRELOAD, PRELOAD_PDF
from localstack.serve import ROOT

SAMPLES = ROOT / "platform" / "localstack" / "samples"
IN_A_NEW_PROCESS = """
import importlib, json, sys
preload, function, payload = json.loads(sys.argv[1])
for name in preload:
    importlib.import_module(name)
before = set(sys.modules)
module, _, name = function.partition(":")
getattr(importlib.import_module(module), name)(payload, lambda fraction, stage: None)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def imported(preload: tuple[str, ...], function: str, payload: object) -> list[str]:
    """Modules that a call imports beyond its parent's; tables of letters are small and many."""
    asked = json.dumps([preload, function, payload])
    argv = [sys.executable, "-c", IN_A_NEW_PROCESS, asked]
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        argv, check=True, capture_output=True, text=True, timeout=120, cwd=ROOT, env=paths
    )
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return [name for name in found if not name.startswith(("encodings.", "_codecs"))]


@pytest.mark.parametrize("code", ["png", "jpg", "gif", "webp", "tiff", "bmp"])
def test_pictures_are_read_without_an_import(tmp_path: Path, code: str) -> None:
    path = tmp_path / f"a.{code}"
    Image.open(SAMPLES / "landscape.png").convert("RGB").save(path)

    found = imported(
        PRELOAD, "inspection.facts:facts_of_all", [{"path": str(path), "format": code}]
    )

    assert found == []


def test_documents_are_read_without_an_import() -> None:
    items = [
        {"path": str(SAMPLES / "report.docx"), "format": "docx"},
        {"path": str(SAMPLES / "paper.pdf"), "format": "pdf"},
    ]

    assert imported(PRELOAD_PDF, "inspection.facts:facts_of_all", items) == []


def test_engines_find_what_runs_them() -> None:
    asked = {"path": str(SAMPLES / "report.docx"), "format": "docx"}

    assert imported(registry.preload(), "inspection.shape:shape", asked) == []
    assert "conversions.engines.execute" in registry.preload()
