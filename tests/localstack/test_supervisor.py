"""Children come back, and nothing stays behind."""

import os
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from localstack.process import pids, session_members
from localstack.supervisor import ProcessSpec, StackError, Supervisor
from tests.localstack.conftest import ENV, MakeSupervisor, SpawnStack, python_spec
from tests.waiting import wait_until

SLEEP = "import time; time.sleep(600)"


def living_in(folder: Path) -> list[int]:
    """Processes whose working folder is `folder`, this one aside."""
    found = []
    for pid in pids():
        try:
            if Path(f"/proc/{pid}/cwd").readlink() == folder and pid != os.getpid():
                found.append(pid)
        except OSError:
            continue
    return found


def pid_of(supervisor: Supervisor) -> int:
    pid = supervisor.pid("child")
    assert pid
    return pid


def has_started(supervisor: Supervisor, times: int) -> bool:
    return supervisor.starts()["child"] == times


def test_a_killed_child_is_back_at_once_three_times(
    tmp_path: Path, make_supervisor: MakeSupervisor
) -> None:
    with make_supervisor(tmp_path) as supervisor:
        supervisor.start([python_spec("child", SLEEP, tmp_path)])
        for starts in (2, 3, 4):
            os.kill(pid_of(supervisor), signal.SIGKILL)
            wait_until(
                partial(has_started, supervisor, starts), timeout_s=1, pause=supervisor.pause
            )

        assert supervisor.starts() == {"child": 4}


def test_a_dead_child_takes_its_children_along(
    tmp_path: Path, make_supervisor: MakeSupervisor
) -> None:
    code = "import os, time; os.fork(); time.sleep(600)"
    with make_supervisor(tmp_path) as supervisor:
        supervisor.start([python_spec("child", code, tmp_path)])
        first = supervisor.pid("child")
        assert first
        wait_until(lambda: len(session_members(first)) == 2, pause=supervisor.pause)

        os.kill(first, signal.SIGKILL)

        wait_until(lambda: supervisor.starts()["child"] == 2, pause=supervisor.pause)
        assert session_members(first) == []


def test_stop_goes_backwards_and_leaves_nothing(
    tmp_path: Path, make_supervisor: MakeSupervisor
) -> None:
    code = """
import signal, sys, time
def end(*_):
    open("order", "a").write(NAME + " ")
    sys.exit()
signal.signal(signal.SIGTERM, end)
open(NAME, "w").close()
time.sleep(600)
"""
    with make_supervisor(tmp_path) as supervisor:
        for name in ("first", "second"):
            supervisor.start([python_spec(name, f"NAME = {name!r}\n{code}", tmp_path)])
            wait_until((tmp_path / name).exists, pause=supervisor.pause)

    assert (tmp_path / "order").read_text() == "second first "
    assert living_in(tmp_path) == []


def test_a_stubborn_child_is_killed_after_its_grace(
    tmp_path: Path, spawn_stack: SpawnStack
) -> None:
    stack = spawn_stack(tmp_path)
    wait_until((tmp_path / "up").exists)

    stack.terminate()

    assert stack.wait(timeout=10) == 0
    assert not (tmp_path / "up").exists()
    assert living_in(tmp_path) == []


def test_nothing_survives_a_sigkill_of_the_supervisor(
    tmp_path: Path, spawn_stack: SpawnStack
) -> None:
    stack = spawn_stack(tmp_path)
    wait_until((tmp_path / "up").exists)
    assert len(living_in(tmp_path)) >= 3

    stack.kill()

    wait_until(lambda: living_in(tmp_path) == [])
    assert not (tmp_path / "up").exists()


def test_what_supervisor_and_guard_left_is_ended_at_the_next_start(
    tmp_path: Path, spawn_stack: SpawnStack, make_supervisor: MakeSupervisor
) -> None:
    stack = spawn_stack(tmp_path)
    wait_until((tmp_path / "up").exists)
    family = int((tmp_path / "family").read_text())
    for pid in living_in(tmp_path):
        if b"localstack.guard" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    stack.kill()
    stack.wait()
    assert session_members(family)

    with make_supervisor(tmp_path) as supervisor:
        assert supervisor.ended_orphans == ["family"]
        assert session_members(family) == []


def test_a_data_folder_has_one_supervisor(
    tmp_path: Path, spawn_stack: SpawnStack, make_supervisor: MakeSupervisor
) -> None:
    spawn_stack(tmp_path)
    wait_until((tmp_path / "up").exists)

    with pytest.raises(StackError, match="running already"):
        make_supervisor(tmp_path).__enter__()


def test_a_failing_command_shows_the_end_of_its_log(
    tmp_path: Path, make_supervisor: MakeSupervisor
) -> None:
    argv = [sys.executable, "-c", "raise SystemExit('no such table')"]
    spec = ProcessSpec(name="migrate", argv=argv, env=ENV, cwd=tmp_path, restart=False)

    with (
        make_supervisor(tmp_path) as supervisor,
        pytest.raises(StackError, match="no such table"),
    ):
        supervisor.run_once(spec)


def test_a_child_that_never_gets_ready_stops_the_start(
    tmp_path: Path, make_supervisor: MakeSupervisor
) -> None:
    argv = [sys.executable, "-c", SLEEP]
    spec = ProcessSpec(
        name="deaf", argv=argv, env=ENV, cwd=tmp_path, ready=lambda: False, ready_timeout_s=0.2
    )

    with (
        make_supervisor(tmp_path) as supervisor,
        pytest.raises(StackError, match="did not become ready"),
    ):
        supervisor.start([spec])
    assert living_in(tmp_path) == []
