"""The design of ARCHITECTURE.md and STYLE.md, held by the machine."""

from __future__ import annotations

import ast
import os
import subprocess  # noqa: TID251 - a Python of its own
import sys
from pathlib import Path

import pytest

from tests.house.code import (
    APPS,
    PLATFORM,
    ROOT,
    app_folder,
    called_name,
    calls,
    functions,
    shown,
    sources,
    tree,
)

FILE_LINES, FUNCTION_LINES = 400, 50
# The files of STYLE.md, and the pure rooms that .importlinter places in its layers.
FILES = {
    *("__init__", "apps", "admin", "api", "doors", "pages", "middleware", "tasks", "subscribers"),
    *("schemas", "auth", "services", "queries", "models", "events", "errors", "terms"),
    *("planner", "gateway", "signing", "tokens", "offer", "verification", "verification_rules"),
    *("verification_media", "verification_terms", "asking", "answers", "openapi", "waiting"),
    *("catalog", "matrix", "portraits", "groups", "sums", "reading", "sealing", "spool"),
    *("forecast", "turns", "statements", "owners", "recovery", "room"),
    *("team", "tenant", "census", "forms"),
}
FOLDERS = {
    *("migrations", "management", "services", "pages", "engines", "identity", "verification"),
    *("tools", "fixtures", "shared", "trail", "graphs"),
    *("batches", "pipelines", "results", "analytics"),  # edges of conversions
}


def test_platform_is_a_source_root_and_not_a_package() -> None:
    assert not (PLATFORM / "__init__.py").exists()


def test_pythons_own_platform_module_keeps_working() -> None:
    code = "import platform, core.env; print(platform.system(), platform.__file__)"
    env = {"PYTHONPATH": f"{ROOT}:{PLATFORM}", "PATH": os.defpath}

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, cwd=ROOT, check=True
    )

    system, file = done.stdout.split()
    assert system == "Linux"
    assert not Path(file).is_relative_to(ROOT)


@pytest.mark.parametrize("app", APPS)
def test_an_app_has_the_files_of_the_house_and_no_others(app: str) -> None:
    folder = app_folder(app)
    files = {path.stem for path in folder.glob("*.py")}
    folders = {path.name for path in folder.iterdir() if path.is_dir() and path.name[0] not in "._"}

    assert files <= FILES, files - FILES
    assert folders - {"templates", "static"} <= FOLDERS, folders - FOLDERS


def test_no_file_is_a_giant() -> None:
    sizes = {shown(path): len(path.read_text().splitlines()) for path in sources()}

    assert {name: size for name, size in sizes.items() if size > FILE_LINES} == {}


def test_no_function_is_a_giant() -> None:
    sizes = {
        f"{shown(path)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in sources()
        for node in functions(path)
    }

    long = {name for name, size in sizes.items() if size > FUNCTION_LINES}
    assert long <= {"platform/localstack/nginx.py:config"}  # one text, nginx's configuration
    assert sorted(sizes.values())[len(sizes) // 2] <= 10


def test_every_public_function_and_class_of_the_apps_says_what_it_does() -> None:
    silent = [
        f"{shown(path)}:{node.name}"
        for path in sources()
        if not path.is_relative_to(PLATFORM / "localstack")
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]

    assert silent == []


def test_no_signals() -> None:
    words = ("post_save", "pre_save", "post_delete", "pre_delete", "m2m_changed", "@receiver")

    found = [
        f"{shown(path)}: {word}" for path in sources() for word in words if word in path.read_text()
    ]

    assert found == []


def test_nothing_prints_outside_of_the_local_stack() -> None:
    found = [
        f"{shown(path)}:{call.lineno}"
        for path in sources()
        if not path.is_relative_to(PLATFORM / "localstack")
        and path != PLATFORM / "sandbox" / "launch.py"  # speaks to its parent over stderr
        for call in calls(path)
        if isinstance(call.func, ast.Name) and called_name(call) == "print"
    ]

    assert found == []


def test_the_environment_is_read_in_one_place() -> None:
    entries = {"platform/config/asgi.py", "platform/config/celery.py", "platform/config/wsgi.py"}
    allowed = {"platform/core/env.py", *entries}

    found = {
        shown(path)
        for path in sources()
        if not path.is_relative_to(PLATFORM / "localstack")
        and ("os.environ" in path.read_text() or "os.getenv" in path.read_text())
    }

    assert {name for name in found if not name.startswith("platform/sandbox/")} <= allowed


def test_no_test_sleeps() -> None:
    ours = [path for path in (ROOT / "tests").rglob("*.py") if path.name != "waiting.py"]

    sleeping = [
        f"{shown(path)}:{call.lineno}"
        for path in ours
        for call in calls(path)
        if called_name(call) == "sleep"
    ]

    assert sleeping == []


def test_imports_go_one_way() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{PLATFORM}", "PATH": os.defpath},
        check=False,
    )

    assert done.returncode == 0, done.stdout[-3000:]
