"""Django's own check of a deployment, with production settings, and the cookies and headers."""

from __future__ import annotations

import os
import secrets
import subprocess  # noqa: TID251 - a process with settings of its own
import sys

from tests.house.code import PLATFORM, ROOT

PRODUCTION = {
    "SECRET_KEY": secrets.token_urlsafe(60),
    "DB_HOST": "unused",
    "DB_POOL_SIZE": "0",
    "REDIS_URL": "redis://unused",
    "ALLOWED_HOSTS": "files.example.com,.files.example.com",
    "BASE_DOMAIN": "files.example.com",
    "PUBLIC_URL": "https://files.example.com",
    "TRUST_FORWARDED": "1",
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "PYTHONPATH": f"{ROOT}:{PLATFORM}",
    "PATH": os.defpath,
}


def run(*argv: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *argv],
        env={**PRODUCTION, **changes},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_deployment_check_is_clean() -> None:
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING")

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout + done.stderr


def test_the_check_would_find_a_weakness() -> None:
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", DEBUG="1")

    assert done.returncode != 0
    assert "security.W018" in done.stderr


def test_cookies_are_secure_and_closed_to_scripts_and_other_sites() -> None:
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY")
    code = f"from config import settings as s; print([getattr(s, n) for n in {names}],"
    code += " s.SESSION_COOKIE_SAMESITE, s.CSRF_COOKIE_SAMESITE)"

    assert run("-c", code).stdout.strip() == "[True, True, True] Lax Lax"
