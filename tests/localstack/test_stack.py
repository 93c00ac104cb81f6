"""What the composed stack tells its processes."""

from pathlib import Path

import pytest

from localstack.demo_walk import is_signed
from localstack.stack import Layout, Stack
from tests.localstack.conftest import MakeSupervisor

# Standard Webhooks' own example, from its reference libraries' tests.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNED = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


@pytest.fixture
def no_services(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without settings of its own."""
    for name in ("DB_HOST", "REDIS_URL", "CELERY_BROKER_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_services")
def test_every_process_works_in_the_checkout_with_the_same_settings(
    tmp_path: Path, make_supervisor: MakeSupervisor
) -> None:
    stack = Stack(Layout(tmp_path, tmp_path / "var", 8000), make_supervisor(tmp_path))

    specs = stack.processes()

    names = [
        "receiver",
        "web",
        "realtime",
        *(f"worker-{q}" for q in ("convert", "office", "media", "io")),
    ]
    assert [spec.name for spec in specs] == [*names, "beat"]
    assert {spec.cwd for spec in specs} == {tmp_path}
    assert all(spec.env == stack.env for spec in specs)
    assert len(stack.env["SECRET_KEY"]) >= 32
    assert stack.env["DEBUG"] == "False"
    assert stack.env["WEBHOOK_ALLOW_HOSTS"] in stack.receiver_url


def test_given_services_are_used_and_not_started(
    tmp_path: Path, make_supervisor: MakeSupervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_HOST", "db.internal")
    monkeypatch.setenv("DB_PASSWORD", "given")
    monkeypatch.setenv("REDIS_URL", "redis://cache.internal/0")

    stack = Stack(Layout(tmp_path, tmp_path / "var", 8000), make_supervisor(tmp_path))

    assert stack.postgres is None
    assert stack.redis is None
    assert stack.env["DB_HOST"] == "db.internal"
    assert stack.env["DB_PASSWORD"] == "given"
    assert stack.env["CELERY_BROKER_URL"] == "redis://cache.internal/0"


def test_the_demo_checks_signatures_itself() -> None:
    assert is_signed(SECRET, SIGNED, b'{"test": 2432232314}')
    assert not is_signed(SECRET, SIGNED, b'{"test": 2432232315}')
