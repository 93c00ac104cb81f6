"""Where the sandbox can't be had, workers refuse to convert and the health page says why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox import selftest
from tests.client import Api

LEAKS = ("bubblewrap: missing",)


@pytest.fixture
def leaky(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without the tool that the sandbox is made of."""
    from django.core.cache import caches

    from config import safety

    monkeypatch.setenv("PATH", "/nonexistent")
    safety.sandbox_report.cache_clear()
    yield
    safety.sandbox_report.cache_clear()
    caches["platform"].delete(safety.REPORT)


def test_the_self_test_names_what_is_missing(leaky: None) -> None:
    found = selftest.check()

    assert not found.ok
    assert found.leaks


def test_a_worker_refuses_and_the_health_page_says_why(leaky: None) -> None:
    from config import safety

    with pytest.raises(SystemExit) as refused:
        safety.check_at_start()
    answer = Api().call("GET", "/health/engines/")

    reason = str(safety.sandbox_report()["leaks"][0])
    assert reason in str(refused.value)
    assert answer.status == 503
    assert reason in answer.json["checks"]["engines"]["reason"]
