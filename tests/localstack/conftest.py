"""Stacks for tests: private data folders, supervised in this process or in one of their own."""

import subprocess  # noqa: TID251 - a stack of its own process
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localstack.supervisor import ProcessSpec, Supervisor

ROOT = Path(__file__).resolve().parents[2]
ENV = {"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"}
MakeSupervisor = Callable[[Path], Supervisor]
SpawnStack = Callable[[Path], "subprocess.Popen[bytes]"]


@pytest.fixture
def make_supervisor() -> MakeSupervisor:
    """An unentered supervisor on a data folder."""

    def make(data: Path) -> Supervisor:
        return Supervisor(run_dir=data / "run", log_dir=data / "log", roots=[data])

    return make


@pytest.fixture
def spawn_stack() -> Iterator[SpawnStack]:
    """`sample_stack.py` in a process of its own, killed at the end when it still lives."""
    started = []

    def spawn(data: Path) -> "subprocess.Popen[bytes]":
        data.mkdir(parents=True, exist_ok=True)
        script = Path(__file__).with_name("sample_stack.py")
        popen = subprocess.Popen([sys.executable, str(script), str(data)], env=ENV, cwd=data)
        started.append(popen)
        return popen

    yield spawn
    for popen in started:
        if popen.poll() is None:
            popen.terminate()
        popen.wait(timeout=30)


def python_spec(name: str, code: str, data: Path) -> ProcessSpec:
    """A child that runs `code`."""
    return ProcessSpec(name=name, argv=[sys.executable, "-c", code], env=ENV, cwd=data, grace_s=1)
