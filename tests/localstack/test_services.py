"""Embedded PostgreSQL and Redis: start, come back, keep what they must keep."""

import os
import shutil
import signal
from pathlib import Path

from localstack import ports
from localstack.postgres import PORT, SOCKET_PATH_LIMIT, Postgres, binaries_dir
from localstack.redis import Redis
from tests.localstack.conftest import MakeSupervisor
from tests.waiting import wait_until


def make_postgres(data: Path) -> Postgres:
    return Postgres(data / "postgres", "not-a-secret", data)


def make_redis(data: Path) -> Redis:
    port = ports.remembered_ports(data / "run" / "ports.json", ("redis",))["redis"]
    return Redis(data / "redis", data / "run", port, "not-a-secret", data)


def ask(postgres: Postgres, sql: str) -> str:
    return postgres.query(sql, user="filemill", database="filemill")


def test_postgres_keeps_its_data_over_a_restart(
    tmp_path: Path, make_supervisor: MakeSupervisor
) -> None:
    postgres = make_postgres(tmp_path)
    with make_supervisor(tmp_path) as supervisor:
        supervisor.start([postgres.spec()])
        postgres.create_database()
        ask(postgres, "CREATE TABLE kept AS SELECT 'Grüße' AS word")
        assert ask(postgres, "SELECT upper(word) FROM kept") == "GRÜßE"

    with make_supervisor(tmp_path) as supervisor:
        supervisor.start([postgres.spec()])
        postgres.create_database()
        assert ask(postgres, "SELECT word FROM kept") == "Grüße"


def test_postgres_recovers_from_sigkill_under_the_supervisor(
    tmp_path: Path, make_supervisor: MakeSupervisor
) -> None:
    postgres = make_postgres(tmp_path)
    with make_supervisor(tmp_path) as supervisor:
        supervisor.start([postgres.spec()])
        postgres.create_database()
        ask(postgres, "CREATE TABLE kept AS SELECT 1 AS n")
        killed = supervisor.pid("postgres")
        assert killed

        os.kill(killed, signal.SIGKILL)

        wait_until(
            lambda: supervisor.pid("postgres") not in (None, killed) and postgres.is_ready(),
            pause=supervisor.pause,
        )
        assert ask(postgres, "SELECT n FROM kept") == "1"


def test_postgres_starts_over_a_lock_whose_pid_is_somebody_else_now(
    tmp_path: Path, make_supervisor: MakeSupervisor
) -> None:
    postgres = make_postgres(tmp_path)
    postgres.prepare()
    stale = f"{os.getpid()}\n{postgres.data}\n0\n{PORT}\n{postgres.socket_dir}\n\n0 0\nready\n"
    (postgres.data / "postmaster.pid").write_text(stale)
    (postgres.socket_dir / f".s.PGSQL.{PORT}.lock").write_text(stale)

    with make_supervisor(tmp_path) as supervisor:
        supervisor.start([postgres.spec()])

        assert postgres.query("SELECT 1") == "1"


def test_the_socket_path_stays_short_in_a_long_checkout(tmp_path: Path) -> None:
    postgres = make_postgres(tmp_path / ("long" * 30))

    assert len(str(postgres.socket_dir / f".s.PGSQL.{PORT}.lock")) <= SOCKET_PATH_LIMIT


def test_the_wheel_brings_the_tools() -> None:
    assert {"psql", "pg_dump", "pg_restore"} <= {path.name for path in binaries_dir().iterdir()}


def test_redis_returns_after_sigkill_and_with_its_folder_gone(
    tmp_path: Path, make_supervisor: MakeSupervisor
) -> None:
    redis = make_redis(tmp_path)
    with make_supervisor(tmp_path) as supervisor:
        supervisor.start([redis.spec()])
        killed = supervisor.pid("redis")
        assert killed

        os.kill(killed, signal.SIGKILL)
        shutil.rmtree(redis.data)

        wait_until(
            lambda: supervisor.pid("redis") not in (None, killed) and redis.is_ready(),
            timeout_s=5,
            pause=supervisor.pause,
        )
        assert redis.data.is_dir()


def test_redis_wants_its_password(tmp_path: Path, make_supervisor: MakeSupervisor) -> None:
    redis = make_redis(tmp_path)
    with make_supervisor(tmp_path) as supervisor:
        supervisor.start([redis.spec()])

        stranger = Redis(redis.data, redis.run_dir, redis.port, "guess", redis.cwd)
        assert not stranger.is_ready()


def test_two_stacks_stand_side_by_side(tmp_path: Path, make_supervisor: MakeSupervisor) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    with make_supervisor(one) as first, make_supervisor(two) as second:
        first.start([make_postgres(one).spec(), make_redis(one).spec()])
        second.start([make_postgres(two).spec(), make_redis(two).spec()])

        make_postgres(one).create_database()
        assert "filemill" not in make_postgres(two).query("SELECT datname FROM pg_database")
        assert make_redis(one).port != make_redis(two).port
