"""Programs in bubblewrap, warm hosts, and the self-test."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import hosts, runner, selftest
from sandbox.outcomes import Crashed, LimitHit
from sandbox.profiles import PROFILES

ECHO = """
import json, sys
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if asked.get("hang"):
        while True:
            pass
    if asked.get("die"):
        sys.exit(1)
    print(json.dumps({"said": asked["word"]}), flush=True)
"""


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[hosts.WarmHost]:
    script = tmp_path / "echo.py"
    script.write_text(ECHO)
    plan = hosts.HostPlan(
        name="echo",
        argv=lambda folder: ["/usr/bin/python3", str(folder / "echo.py")],
        files=(script,),
        profile="office",
        max_calls=3,
    )
    made = hosts.WarmHost(plan)
    yield made
    made.close()


def _ask(
    host: hosts.WarmHost, deadline_s: float = 60, cpu_s: float | None = None, **request: object
) -> dict[str, object]:
    with host.session() as session:
        return session.ask(dict(request), deadline_s=deadline_s, cpu_s=cpu_s)


def test_lines_come_as_they_are_written(tmp_path: Path) -> None:
    lines: list[str] = []

    ended = runner.run(
        ["sh", "-c", "echo a; echo b; echo c >&2"],
        profile="probe",
        workdir=tmp_path,
        on_stdout_line=lines.append,
    )

    assert lines == ["a", "b"]
    assert (ended.returncode, ended.stderr_tail, ended.killed) == (0, "c\n", None)


@pytest.mark.parametrize(
    ("script", "which"),
    [
        ("sleep 99", "time"),
        ("while :; do :; done", "cpu"),
        ("head -c 9000000 /dev/zero > big", "output"),
        ("for i in 1 2 3 4 5; do head -c 900000 /dev/zero > f$i; done; sleep 99", "output"),
    ],
)
def test_a_limit_ends_a_program(tmp_path: Path, script: str, which: str) -> None:
    profile = dataclasses.replace(PROFILES["probe"], cpu_s=1, wall_s=60)
    deadline = 0.3 if which == "time" else 60  # a busy machine gives a second of work late

    ended = runner.run(["sh", "-c", script], profile=profile, workdir=tmp_path, deadline_s=deadline)

    assert ended.killed == which


def test_stdin_reaches_the_program(tmp_path: Path) -> None:
    ended = runner.run(["cat"], profile="probe", workdir=tmp_path, stdin=b"hello")

    assert ended.stdout_tail == "hello"


def test_a_host_answers_and_is_replaced_after_its_calls(echo: hosts.WarmHost) -> None:
    answers = [_ask(echo, word=str(n))["said"] for n in range(4)]

    assert answers == ["0", "1", "2", "3"]
    assert echo.starts == 2


def test_a_hanging_host_is_replaced(echo: hosts.WarmHost) -> None:
    with pytest.raises(LimitHit):
        _ask(echo, deadline_s=0.2, hang=True)

    assert _ask(echo, word="again")["said"] == "again"


def test_a_host_that_takes_too_much_of_the_processor_is_replaced(echo: hosts.WarmHost) -> None:
    with pytest.raises(LimitHit) as caught:
        _ask(echo, cpu_s=0.3, hang=True)

    assert caught.value.which == "cpu"
    assert _ask(echo, cpu_s=0.3, word="again")["said"] == "again"


def test_a_dying_host_is_replaced(echo: hosts.WarmHost) -> None:
    with pytest.raises(Crashed):
        _ask(echo, die=True)
    _ask(echo, word="x")
    assert echo.pid is not None
    os.killpg(echo.pid, signal.SIGKILL)
    assert echo._process is not None
    echo._process.wait()

    assert _ask(echo, word="again")["said"] == "again"


def test_the_sandbox_holds_here() -> None:
    found = selftest.check()

    assert found.leaks == ()
    assert found.ok == (found.level == "full")


def test_a_leaky_sandbox_is_reported() -> None:
    leaky = dataclasses.replace(
        PROFILES["probe"], memory_bytes=4 << 30, output_bytes=1 << 30, binds=("/etc/passwd",)
    )

    found = selftest.check(leaky)

    assert not found.ok
    assert {"bubblewrap: accounts", "bubblewrap: memory", "fork_server: file_size"} <= set(
        found.leaks
    )


def test_one_who_takes_all_processes_leaves_the_others_theirs(tmp_path: Path) -> None:
    greedy, modest = tmp_path / "greedy", tmp_path / "modest"
    greedy.mkdir()
    modest.mkdir()
    full, ended = threading.Event(), threading.Event()
    most = PROFILES["probe"].processes
    fill = f"for n in $(seq {most - 4}); do sleep 9 & done; echo full; wait"

    def take_all() -> None:
        runner.run(
            ["sh", "-c", fill],
            profile="probe",
            workdir=greedy,
            on_stdout_line=lambda line: full.set(),
        )
        ended.set()

    threading.Thread(target=take_all, daemon=True).start()
    assert full.wait(10)
    done = runner.run(
        ["sh", "-c", "for n in 1 2 3 4 5 6 7 8; do true & done; wait; echo ok"],
        profile="probe",
        workdir=modest,
    )

    assert not ended.is_set()
    assert (done.returncode, done.stdout_tail) == (0, "ok\n"), done
    assert ended.wait(10)


def test_a_program_that_somebody_kills_has_not_judged_its_file(tmp_path: Path) -> None:
    with pytest.raises(Crashed) as caught:
        runner.run(["sh", "-c", "kill -KILL $$"], profile="document", workdir=tmp_path)

    assert caught.value.signal == signal.SIGKILL
