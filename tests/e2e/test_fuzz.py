"""Schemathesis on the running product: a small dose, a fixed seed; `make fuzz` is the long one."""

from __future__ import annotations

import subprocess  # noqa: TID251 - schemathesis is a program of its own

import pytest

from loadtests.fuzz import argv, callers
from tests.e2e.conftest import House


@pytest.mark.e2e
@pytest.mark.parametrize("who", ["key", "token"])
def test_no_answer_is_a_fault_or_other_than_described(house: House, who: str) -> None:
    command = argv(house.demo["base_url"], callers(house.demo)[who], examples=3, seed=4)

    done = subprocess.run(
        [*command, "--phases=fuzzing"], capture_output=True, text=True, check=False, timeout=280
    )

    assert done.returncode == 0, done.stdout[-6000:]
    assert "0 failures" in done.stdout or "No issues found" in done.stdout
