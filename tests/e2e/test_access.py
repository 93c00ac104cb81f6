"""Who may do what, played over HTTP against the running product, with values no run has had."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from loadtests.access.__main__ import run
from loadtests.running import ROOT
from tests.e2e.conftest import House


@pytest.mark.e2e
def test_every_line_of_the_play_holds(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    seed = secrets.randbelow(10**9)

    stage = run(house.demo, ROOT / Path(house.demo["mail_dir"]), seed, is_brief=True)

    told = capsys.readouterr().out
    assert stage.failed == 0, "\n".join(line for line in told.splitlines() if "FAIL" in line)
    assert stage.passed >= 390
    assert len(stage.wire.codes) >= 30
