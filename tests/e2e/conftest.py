"""The whole product in real processes, once for the session; what the faults kill is below it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from loadtests.house import SAMPLES, V1, Caller, House, started

__all__ = ["SAMPLES", "V1", "Caller", "House"]
JOB_MAX_S = 20
# A short lease so that a killed worker's job comes back soon; the order engine < lease is kept by
# the heartbeat. The job limit is what the hanging job runs into.
SETTINGS = {"DISPATCH_LEASE_SECONDS": "5", "JOB_MAX_SECONDS": str(JOB_MAX_S)}


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    """Started on free ports in a folder of its own; stopped and removed afterwards."""
    with started(SETTINGS) as made:
        yield made
