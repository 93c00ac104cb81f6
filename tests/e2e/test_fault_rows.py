"""Rows of the fault table that are quick; `python -m loadtests.faults` has all of them.

Each ends with the history checker over everything that happened in this house so far.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from loadtests.faults import ROWS
from loadtests.faults_services import row_6, row_7
from loadtests.faults_storage import Skipped, row_16
from tests.e2e.conftest import House

pytestmark = pytest.mark.e2e
QUICK = ("lease", "9", "10", "13", "14", "31")


def assert_whole(house: House, *, tidy: bool = False) -> None:
    """The checker has nothing to say."""
    found = house.judge(tidy=tidy)
    assert found.is_clean, found.told()


def run(house: House, row: Callable[[], None]) -> None:
    """A row and the checker, or the reason why not."""
    try:
        row()
    except Skipped as why:
        pytest.skip(str(why))
    assert_whole(house)


@pytest.mark.parametrize("name", QUICK)
def test_nothing_is_lost_or_doubled_in_row(house: House, name: str) -> None:
    run(house, lambda: ROWS[name](house))


def test_postgres_restarts_under_load(house: House) -> None:
    run(house, lambda: row_7(house, calm_s=2))


def test_redis_is_away_for_a_while(house: House) -> None:
    run(house, lambda: row_6(house, seconds=6))


def test_many_submissions_at_once(house: House) -> None:
    run(house, lambda: row_16(house, submissions=100, threads=25))


def test_all_in_all_no_row_and_no_file_is_alone(house: House) -> None:
    assert_whole(house, tidy=True)
