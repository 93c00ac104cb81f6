"""A bare clone becomes ready once, and knows it."""

import re
from pathlib import Path

from localstack import bootstrap, engines, ports
from localstack.secret import remembered_secret


def make_venv(folder: Path, lock: Path) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch()
    (folder / ".stamp").write_text(bootstrap.stamp_of(lock))
    return folder


def test_a_second_setup_sees_that_nothing_changed(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("a==1\n")
    venv = make_venv(tmp_path / "venv", lock)

    assert bootstrap.is_current(venv, lock)


def test_a_new_lock_or_interpreter_or_a_lost_environment_asks_for_setup(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("a==1\n")
    venv = make_venv(tmp_path / "venv", lock)

    assert bootstrap.stamp_of(lock) != bootstrap.stamp_of(lock, "3.99")
    lock.write_text("a==2\n")
    assert not bootstrap.is_current(venv, lock)
    assert not bootstrap.is_current(tmp_path / "nowhere", lock)


def test_uv_comes_with_the_hashes_of_the_lock() -> None:
    lock = (bootstrap.ROOT / "requirements.lock").read_text()

    entry = re.search(bootstrap.HASHED_ENTRY.format(name="uv"), lock, re.MULTILINE)

    assert entry
    assert entry.group().count("--hash=sha256:") > 1
    assert not entry.group().endswith("\\")


def test_each_engine_says_what_is_lost_without_it() -> None:
    packages = engines.listed()

    assert {"ffmpeg", "bubblewrap", "nginx-light"} <= {package.name for package in packages}
    assert all(package.price for package in packages)


def test_what_no_system_has_is_missing() -> None:
    unknown = engines.Package("filemill-no-such-package", "filemill-no-such-program", "nothing")

    assert engines.missing([unknown]) == [unknown]


def test_ports_and_secrets_are_remembered(tmp_path: Path) -> None:
    chosen = ports.remembered_ports(tmp_path / "ports.json", ("web", "redis"))

    assert len(set(chosen.values())) == 2
    assert ports.remembered_ports(tmp_path / "ports.json", ("web", "redis")) == chosen
    secret = remembered_secret(tmp_path / "secret")
    assert remembered_secret(tmp_path / "secret") == secret
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
