"""Sessions of the database are kept: a new one costs more than all that a job asks of it."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import SAMPLES, House

pytestmark = pytest.mark.e2e
JOBS = 12
EVER = "SELECT sessions FROM pg_stat_database WHERE datname = 'filemill'"
END_ALL = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE usename = 'filemill' AND pid <> pg_backend_pid()
"""


def convert(house: House, count: int) -> list[str]:
    """How so many pictures ended, sent one by one."""
    content = (SAMPLES / "landscape.png").read_bytes()
    jobs = [house.one.convert("a.png", content, "webp") for _ in range(count)]
    return [str(house.one.finished(job)["status"]) for job in jobs]


def test_jobs_open_no_sessions_of_their_own(house: House) -> None:
    convert(house, JOBS)  # every process has its sessions now
    before = house.rows(EVER)[0][0]

    ended = convert(house, JOBS)

    assert ended == ["completed"] * JOBS
    assert house.rows(EVER)[0][0] - before < JOBS


def test_a_dead_session_is_found_before_a_task_takes_it(house: House) -> None:
    convert(house, JOBS)
    house.rows(END_ALL)

    house.wait(lambda: house.one.http.get("/api/v1/conversions/jobs/").status_code == 200)

    assert convert(house, JOBS) == ["completed"] * JOBS
