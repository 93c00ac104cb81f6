"""Schemathesis on the running product: a small dose, a fixed seed; `make fuzz` is the long one."""

from __future__ import annotations

import re
import subprocess  # noqa: TID251 - schemathesis is a program of its own

import pytest

from loadtests.fuzz import argv, callers, parts
from tests.e2e.conftest import House

# Together every route at least once; a key ends nothing of its own.
DOSES = {
    "key": parts("/v1/(?:conversions|tools|webhooks)/")[:1],
    "token": parts("/api/v1/(?!staff/)"),
    "staff": parts("/staff/"),
}


@pytest.fixture(scope="module")
def everyone(house: House) -> dict[str, dict[str, str]]:
    """Headers by caller, logged in once."""
    return callers(house.demo)


@pytest.mark.e2e
@pytest.mark.parametrize("who", list(DOSES))
def test_no_answer_is_a_fault_or_other_than_described(
    house: House, everyone: dict[str, dict[str, str]], who: str
) -> None:
    for part in DOSES[who]:
        command = argv(house.demo["base_url"], everyone[who], examples=1, seed=4)
        narrowed = [*command, part, "--phases=fuzzing"]

        done = subprocess.run(narrowed, capture_output=True, text=True, check=False, timeout=280)

        assert done.returncode == 0, done.stdout[-6000:]
        assert "No issues found" in done.stdout
        counted = re.search(r"Selected: (\d+)/\d+\s+Tested: (\d+)", done.stdout)
        assert counted
        assert counted[1] == counted[2]
