"""Workers are killed at random: each job ends once. `python -m loadtests.chaos` is longer."""

from __future__ import annotations

import pytest

from loadtests.chaos import run
from tests.e2e.conftest import House

pytestmark = pytest.mark.e2e


def test_no_job_is_lost_doubled_or_blamed_while_workers_are_killed(house: House) -> None:
    status = run(house, jobs=100, tenants=3, kill_s=4, most_s=300, seed=7)

    assert status == 0
