"""The product's source, parsed: what the house rules are checked on."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLATFORM = ROOT / "platform"
APPS = (
    "accounts",
    "audit",
    "tenants",
    "billing",
    "conversions",
    "webhooks",
    "notifications",
    "dispatch",
    "staff",
)


def app_folder(name: str) -> Path:
    """Where an app lies: at the root or below platform/."""
    near = ROOT / name
    return near if near.is_dir() else PLATFORM / name


def sources() -> list[Path]:
    """Every Python file of the product, without tests and migrations."""
    roots = [PLATFORM, *(ROOT / name for name in APPS if (ROOT / name).is_dir())]
    found = [path for root in roots for path in root.rglob("*.py")]
    return sorted(path for path in found if "migrations" not in path.parts)


@cache
def tree(path: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(path.read_text(), filename=str(path))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def calls(path: Path) -> Iterator[ast.Call]:
    """Every call of a file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield node


def called_name(call: ast.Call) -> str:
    """``enqueue`` of ``enqueue(…)`` and of ``queue.enqueue(…)``."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def shown(path: Path) -> str:
    """A path as it is told."""
    return str(path.relative_to(ROOT))
