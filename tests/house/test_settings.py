"""A missing or bad setting stops the process, and is named."""

from __future__ import annotations

import os
import subprocess  # noqa: TID251 - a process of its own
import sys

import pytest

from core.env import GROUPS, alias_of
from tests.house.code import PLATFORM, ROOT

GOOD = {
    "SECRET_KEY": "k" * 40,
    "DB_HOST": "nowhere",
    "REDIS_URL": "redis://nowhere",
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "PYTHONPATH": f"{ROOT}:{PLATFORM}",
    "PATH": os.defpath,
}


def start(changes: dict[str, str | None]) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_good_settings_start() -> None:
    done = start({})

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("SECRET_KEY", None, "is missing"),
        ("SECRET_KEY", "short", "at least 32 characters"),
        ("DB_HOST", None, "is missing"),
        ("REDIS_URL", None, "is missing"),
        ("DB_PORT", "many", "valid integer"),
        ("DB_PORT", "70000", "less than or equal to 65535"),
        ("DB_ENGINE", "django.db.backends.sqlite3", "django.db.backends.postgresql"),
        ("DEBUG", "perhaps", "valid boolean"),
        ("AWS_STORAGE_BUCKET_NAME", "bucket", "not built yet"),
        ("JOB_MAX_SECONDS", "0", "greater than or equal to 5"),
    ],
)
def test_a_bad_setting_stops_the_process_and_is_named(
    name: str, value: str | None, reason: str
) -> None:
    done = start({name: value})

    assert done.returncode == 2
    assert f"  {name}: " in done.stderr
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_every_complaint_comes_at_once_and_no_secret_with_it() -> None:
    done = start({"SECRET_KEY": "tooshortsecret", "DB_PORT": "x", "REDIS_URL": None})

    assert done.returncode == 2
    assert all(name in done.stderr for name in ("SECRET_KEY", "DB_PORT", "REDIS_URL"))
    assert "tooshortsecret" not in done.stderr


def test_each_setting_has_one_name() -> None:
    names = [alias_of(group, field) for group in GROUPS.values() for field in group.model_fields]

    assert len(names) == len(set(names))
