"""Rules about the loaded product: tasks, routes, migrations, tables, engines. No database."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from ninja import Schema

from config.api import api
from config.celery import app
from conversions.engines.registry import ENGINES, problems
from core.access import ANYONE, GENERAL, PERMISSIONS
from core.errors import every_error
from tests.house.code import ROOT, called_name, calls, shown, sources, tree

TASK = re.compile(r"^[a-z_]+\.[a-z_]+$")
TABLES = 30  # backend memory grows with each table of each schema touched
API_MD = ROOT.parent / "shared" / "design" / "API.md"
# Codes of API.md whose rooms are built in later waves.
LATER = {
    *("storage_full", "payment_failed", "not_acceptable", "precondition_failed"),
    "queue_full",
}


def constants() -> dict[str, str]:
    """Module constants that hold a task's name (``RUN_JOB = "conversions.run_job"``)."""
    found = {}
    for path in sources():
        for node in tree(path).body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                    found[name] = text
    return found


def named_tasks() -> Iterator[tuple[str, str]]:
    """Where a task is named, and its name: first argument, ``task=``, or beat's schedule."""
    known = constants()
    for path in sources():
        for call in calls(path):
            verb = called_name(call)
            keywords = {item.arg: item.value for item in call.keywords}
            if verb in ("submit", "withdraw", "place_of"):
                value = keywords.get("task")
            elif verb in ("enqueue", "send", "send_task") and call.args:
                value = call.args[0]
            else:
                continue
            match value:
                case ast.Constant(value=str(text)):
                    yield f"{shown(path)}:{call.lineno}", text
                case ast.Name(id=name) if name in known:
                    yield f"{shown(path)}:{call.lineno}", known[name]
    for name, entry in app.conf.beat_schedule.items():
        yield f"beat {name}", entry["task"]


def operations() -> Iterator[tuple[str, Any]]:
    """Method and path, and view function, of every route."""
    for prefix, router in api._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                yield f"{operation.methods[0]} {prefix}{path}", operation.view_func


def test_every_task_that_is_named_exists() -> None:
    named = list(named_tasks())

    missing = [(where, name) for where, name in named if name not in app.tasks]

    assert missing == []
    assert len(named) >= 9
    assert {name for _, name in named} >= {"conversions.run_job", "outbox.relay"}


def test_every_task_of_ours_is_named_somewhere() -> None:
    ours = {name for name in app.tasks if TASK.match(name) and not name.startswith("celery.")}

    assert ours - {name for _, name in named_tasks()} == set()


def test_every_route_declares_a_permission() -> None:
    routes = dict(operations())

    silent = [name for name, view in routes.items() if not hasattr(view, "permission")]
    odd = [
        name
        for name, view in routes.items()
        if getattr(view, "permission", ANYONE) not in {*PERMISSIONS, *GENERAL}
    ]

    assert len(routes) >= 30
    assert silent == []
    assert odd == []


OPEN = {
    "POST /auth/register/",
    "POST /auth/login/",
    "POST /auth/refresh/",
    "POST /auth/logout/",
    "POST /auth/verify-email/",
    "POST /auth/verify-email/resend/",
    "POST /auth/password/reset/",
    "POST /auth/password/reset/confirm/",
    "POST /auth/session/",
    "GET /auth/oidc/",
    "GET /auth/oidc/{provider}/start/",
    "GET /auth/oidc/{provider}/callback/",
    "POST /auth/oidc/finish/",
    "GET /auth/avatars/{avatar}/{size}/",
    "GET /auth/me/export/download/",
    "GET /billing/plans/",
    "POST /auth/api-keys/leaks/",
    "POST /invitations/accept/",
    "POST /tenant/invitations/accept/",
    "GET /conversions/downloads/{token}/",  # signed, and ends
}


def test_only_known_routes_are_open_to_everyone() -> None:
    is_open = {name for name, view in operations() if view.permission == ANYONE}

    assert {name.replace("//", "/") for name in is_open} == OPEN


def test_what_changes_something_needs_more_than_reading() -> None:
    soft = [
        name
        for name, view in operations()
        if not name.startswith("GET") and view.permission.endswith(":read")
    ]

    assert [name for name in soft if "/notifications/" not in name] == []


def test_operations_stay_thin() -> None:
    long = {
        f"{shown(path)}:{node.name}": (node.end_lineno or 0) - node.body[0].lineno + 1
        for path in sources()
        if path.name in ("api.py", "doors.py", "team.py", "tenant.py")
        and path.parent.name != "config"
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef) and node.decorator_list
    }

    assert {name: lines for name, lines in long.items() if lines > 14} == {}


def test_every_code_of_the_contract_has_an_error() -> None:
    if not API_MD.exists():
        pytest.skip("the contract lies beside the checkout and is not here")
    table = API_MD.read_text().partition("| status | codes |")[2].partition("\n\n")[0]
    promised = set(re.findall(r"\b([a-z]+(?:_[a-z]+)+|expired|conflict)\b", table))

    assert promised - set(every_error()) - LATER == set()


def test_migrations_are_up_to_date() -> None:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    detector = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps))

    changes = detector.changes(graph=loader.graph)

    assert {app: [str(m) for m in found] for app, found in changes.items()} == {}


def test_a_tenant_schema_has_few_tables() -> None:
    labels = {c.label for c in apps.get_app_configs() if c.name in settings.TENANT_APPS}

    models = apps.get_models(include_auto_created=True)
    tables = [model._meta.db_table for model in models if model._meta.app_label in labels]

    assert 5 <= len(tables) < TABLES


def test_no_app_is_in_both_kinds_of_schema() -> None:
    assert set(settings.SHARED_APPS) & set(settings.TENANT_APPS) == set()


def test_the_registry_of_engines_is_sound() -> None:
    assert list(problems()) == []
    assert len({spec.id for spec in ENGINES}) == len(ENGINES)


def test_secrets_do_not_show_in_the_settings() -> None:
    from core.env import env

    text = repr(env())

    assert settings.SECRET_KEY not in text
    assert env().database.password.get_secret_value() not in text


def test_every_code_of_the_contract_that_exists_is_provoked_by_a_test() -> None:
    if not API_MD.exists():
        pytest.skip("the contract lies beside the checkout and is not here")
    table = API_MD.read_text().partition("| status | codes |")[2].partition("\n\n")[0]
    promised = set(re.findall(r"\b([a-z]+(?:_[a-z]+)+|expired|conflict)\b", table)) - LATER
    rooms = (path for path in (ROOT / "tests").rglob("*.py") if "house" not in path.parts)
    tests = "".join(path.read_text() for path in rooms)

    assert {code for code in promised if f'"{code}"' not in tests} == set()


def test_no_two_schemas_share_a_name() -> None:
    """Ninja files schemas by name: of two alike the later describes the answers of both."""
    named: dict[str, set[type]] = {}
    waiting: list[type[Schema]] = [Schema]
    while waiting:
        schema = waiting.pop()
        for heir in schema.__subclasses__():
            if not heir.__name__.startswith("Ninja"):
                named.setdefault(heir.__name__, set()).add(heir)
            waiting.append(heir)

    doubled = {name: found for name, found in named.items() if len(found) > 1}

    assert not doubled
