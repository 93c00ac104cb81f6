"""Every setting is documented, and the page is what the code says."""

import os
import subprocess  # noqa: TID251 - starts our own module
import sys

from core import settings_reference
from core.env import ROOT


def test_the_page_is_what_the_code_says() -> None:
    written = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")

    assert written == settings_reference.page(), (
        "run: python -m core.settings_reference > docs/reference/settings.md"
    )


def test_the_generator_needs_no_settings() -> None:
    empty = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}"}

    done = subprocess.run(
        [sys.executable, "-m", "core.settings_reference"],
        env=empty,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == settings_reference.page()


def test_the_example_names_every_setting_and_no_other() -> None:
    assert set(settings_reference.meanings()) == set(settings_reference.every_name())


def test_every_name_of_the_example_says_what_it_means() -> None:
    assert [name for name, words in settings_reference.meanings().items() if not words] == []


def test_the_example_holds_no_secret() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    filled = [line for line in lines if line and not line.startswith("#") and line[-1] != "="]

    assert filled == []
