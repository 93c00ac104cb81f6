"""The fork server: what goes in and out, how work ends, what it can't reach."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.outcomes import Crashed, LimitHit, Raised
from sandbox.pool import ForkServer
from sandbox.profiles import PROFILES, SandboxProfile

HERE = "sandbox_work"


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    import sys

    sys.path.insert(0, str(Path(__file__).parent))
    made = ForkServer((HERE,))
    yield made
    made.close()


def _small(**changes: Any) -> SandboxProfile:
    import dataclasses

    return dataclasses.replace(PROFILES["probe"], **changes)


def test_value_and_progress_come_back(server: ForkServer, tmp_path: Path) -> None:
    seen: list[tuple[float, str]] = []

    returned = server.call(
        f"{HERE}:double",
        {"n": 21},
        profile="probe",
        workdir=tmp_path,
        on_progress=lambda fraction, stage: seen.append((fraction, stage)),
    )

    assert returned.value == 42
    assert seen == [(0.5, "half")]
    assert {"landlock", "limits"} <= set(returned.layers)


def test_an_exception_is_named(server: ForkServer) -> None:
    with pytest.raises(Raised) as caught:
        server.call(f"{HERE}:fail", None, profile="probe")

    assert caught.value.kind == "builtins.ValueError"
    assert caught.value.text == "no"


@pytest.mark.parametrize(
    ("work", "which"), [("sleep", "time"), ("grow", "memory"), ("fill", "output"), ("spin", "cpu")]
)
def test_limits_are_told_apart(server: ForkServer, tmp_path: Path, work: str, which: str) -> None:
    deadline = 0.3 if which == "time" else 60  # a busy machine gives a second of work late
    with pytest.raises(LimitHit) as caught:
        server.call(
            f"{HERE}:{work}",
            str(tmp_path),
            profile=_small(cpu_s=1, wall_s=60),
            workdir=tmp_path,
            deadline_s=deadline,
        )

    assert caught.value.which == which


def test_many_files_count_together(server: ForkServer, tmp_path: Path) -> None:
    with pytest.raises(LimitHit) as caught:
        server.call(f"{HERE}:many_files", str(tmp_path), profile="probe", workdir=tmp_path)

    assert caught.value.which == "output"


def test_a_crash_hurts_only_itself(server: ForkServer) -> None:
    with pytest.raises(Crashed) as caught:
        server.call(f"{HERE}:crash", None, profile="probe")

    assert caught.value.signal == signal.SIGSEGV
    assert server.call(f"{HERE}:double", {"n": 1}, profile="probe").value == 2


def test_a_dead_parent_is_replaced(server: ForkServer) -> None:
    server.warm()
    assert server._parent is not None
    os.kill(server._parent.process.pid, signal.SIGKILL)
    server._parent.process.wait()

    assert server.call(f"{HERE}:double", {"n": 2}, profile="probe").value == 4


def test_neighbours_are_out_of_reach(server: ForkServer, tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.mkdir()
    other.mkdir()
    (other / "secret").write_text("secret")
    (other / "secret").chmod(0o644)

    tried = server.call(
        f"{HERE}:reach",
        [str(other / "secret"), "/etc/passwd", "/proc/1/environ"],
        profile="probe",
        workdir=mine,
    )

    assert tried.value == [False, False, False]


def test_only_named_files_can_be_read(server: ForkServer, tmp_path: Path) -> None:
    file = tmp_path / "named"
    file.write_text("x")

    tried = server.call(f"{HERE}:reach", [str(file)], profile="probe", readable=(file,))

    assert tried.value == [True]


def test_threads_share_one_server(server: ForkServer) -> None:
    found: list[int] = []

    def work(number: int) -> None:
        returned = server.call(f"{HERE}:double", {"n": number}, profile="probe")
        found.append(returned.value)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == [2 * n for n in range(8)]


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_owner_starts_its_own(server: ForkServer) -> None:
    server.warm()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        value = server.call(f"{HERE}:double", {"n": 5}, profile="probe").value
        os.write(writer, str(value).encode())
        server.close()
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reader, 10) == b"10"
    assert server.call(f"{HERE}:double", {"n": 6}, profile="probe").value == 12
    os.close(reader)
    os.close(writer)
