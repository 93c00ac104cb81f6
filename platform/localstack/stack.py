"""The whole product on one machine: which processes, in which order, with which settings."""

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localstack import nginx, ports
from localstack.console import step
from localstack.environment import DATABASE_NAMES, Addresses, environment
from localstack.postgres import DATABASE, PORT, ROLE, Postgres
from localstack.redis import Redis
from localstack.secret import remembered_secret
from localstack.supervisor import ProcessSpec, StackError, Supervisor

MIGRATIONS = (("migrate_schemas", "--shared"), ("prepare_schemas",))
# Queue, concurrency, pool: images and PDF; two warm LibreOffices, so that a bad file that holds one
# does not hold up the good ones behind it; ffmpeg; deliveries and mails.
WORKERS = (
    ("convert", 2, "prefork"),
    ("office", 2, "prefork"),
    ("media", 1, "prefork"),
    ("io", 8, "threads"),
)
WEB_THREADS = 64


@dataclass(frozen=True, slots=True)
class Layout:
    """Where one stack lives: the checkout, its data folder, its front port."""

    root: Path
    data: Path
    port: int
    host: str = ports.HOST

    @property
    def run(self) -> Path:
        return self.data / "run"

    @property
    def log(self) -> Path:
        return self.data / "log"

    @property
    def base_url(self) -> str:
        return f"http://localhost:{self.port}"

    def shown(self, path: Path) -> str:
        """Relative to the checkout where the path lies inside."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


class Stack:
    """Composes and starts; `supervisor` must be entered by the caller."""

    def __init__(self, layout: Layout, supervisor: Supervisor) -> None:
        self.layout = layout
        self.supervisor = supervisor
        chosen = ports.remembered_ports(
            layout.run / "ports.json", ("web", "redis", "receiver", "realtime")
        )
        self.receiver_url = f"http://{ports.HOST}:{chosen['receiver']}/hook"
        self.receiver_log = layout.data / "webhooks.jsonl"
        self._receiver_port, self._realtime_port = chosen["receiver"], chosen["realtime"]
        self._front = nginx.binary()
        self._web_port = chosen["web"] if self._front else layout.port
        self.postgres = None if "DB_HOST" in os.environ else self._postgres()
        self.redis = None if "REDIS_URL" in os.environ else self._redis(chosen["redis"])
        self.env = environment(layout.root, layout.data, self._addresses())

    def start(self) -> None:
        """Services, migrations, processes; each step printed. Returns when the front answers."""
        self._make_folders()
        self._start_services()
        for command in MIGRATIONS:
            with step(" ".join(command)):
                self.supervisor.run_once(self.manage(*command))
        with step(f"{len(WORKERS)} workers, beat, web, realtime"):
            self.supervisor.start(self.processes())
        with step("front" if self._front else "front: none (no nginx), web listens itself"):
            if self._front:
                self.supervisor.start([self._nginx(self._front).spec()])
            self._await(f"http://{ports.HOST}:{self.layout.port}/health/")

    def processes(self) -> list[ProcessSpec]:
        workers = [self._worker(*worker) for worker in WORKERS]
        return [self._receiver(), self._web(), self._realtime(), *workers, self._beat()]

    def manage(self, *arguments: str) -> ProcessSpec:
        """A management command, to be run once."""
        return ProcessSpec(
            name=f"manage-{arguments[0]}",
            argv=[sys.executable, "manage.py", *arguments],
            env=self.env,
            cwd=self.layout.root,
            restart=False,
        )

    def _start_services(self) -> None:
        if self.postgres:
            with step("PostgreSQL"):
                self.supervisor.start([self.postgres.spec()])
                self.postgres.create_database()
        if self.redis:
            with step("Redis"):
                self.supervisor.start([self.redis.spec()])

    def _make_folders(self) -> None:
        for name in ("storage", "work", "mail", "run", "log", "static"):
            (self.layout.data / name).mkdir(parents=True, exist_ok=True)
        for name in ("storage", "work", "mail"):
            (self.layout.data / name).chmod(0o700)

    def _postgres(self) -> Postgres:
        password = remembered_secret(self.layout.run / "db_password")
        return Postgres(self.layout.data / "postgres", password, self.layout.root)

    def _redis(self, port: int) -> Redis:
        password = remembered_secret(self.layout.run / "redis_password")
        layout = self.layout
        return Redis(layout.data / "redis", layout.run, port, password, layout.root)

    def _addresses(self) -> Addresses:
        return Addresses(
            port=self.layout.port,
            receiver_port=self._receiver_port,
            database=self._database(),
            redis_url=self.redis.url if self.redis else os.environ["REDIS_URL"],
            has_front=bool(self._front),
        )

    def _database(self) -> Mapping[str, str]:
        if not self.postgres:
            return {name: os.environ[name] for name in DATABASE_NAMES if name in os.environ}
        return {
            "DB_HOST": str(self.postgres.socket_dir),
            "DB_PORT": str(PORT),
            "DB_NAME": DATABASE,
            "DB_USER": ROLE,
            "DB_PASSWORD": self.postgres.password,
        }

    def _web(self) -> ProcessSpec:
        listen = ["--host", self._web_host, "--port", str(self._web_port), "--backlog", "1024"]
        size = [
            "--workers",
            str(min(2, os.cpu_count() or 1)),
            "--blocking-threads",
            str(WEB_THREADS),
        ]
        # What exceeds twice the threads waits in the backlog, not in memory.
        care = ["--backpressure", str(2 * WEB_THREADS), "--workers-kill-timeout", "5"]
        respawn = ["--respawn-failed-workers", "--respawn-interval", "0.2"]
        granian = [
            "granian",
            "--interface",
            "wsgi",
            "--no-ws",
            "--http",
            "1",
            "--log-level",
            "warning",
        ]
        return self._python(
            "web",
            [*granian, *listen, *size, *care, *respawn, "config.wsgi:application"],
            ready=lambda: answers_ok(f"http://{ports.HOST}:{self._web_port}/health/"),
        )

    @property
    def realtime_url(self) -> str:
        """Where streams and sockets are: behind the front with the rest, else on a port beside."""
        port = self.layout.port if self._front else self._realtime_port
        return f"http://localhost:{port}"

    def _realtime(self) -> ProcessSpec:
        port = str(self._realtime_port)
        granian = ["granian", "--interface", "asginl", "--http", "1", "--log-level", "warning"]
        listen = ["--host", self._web_host, "--port", port, "--backlog", "1024"]
        care = ["--workers", "1", "--respawn-failed-workers", "--workers-kill-timeout", "2"]
        return self._python(
            "realtime",
            [*granian, *listen, *care, "config.asgi:application"],
            ready=lambda: answers_ok(f"http://{ports.HOST}:{port}/health/"),
        )

    @property
    def _web_host(self) -> str:
        return ports.HOST if self._front else self.layout.host

    def _worker(self, queue: str, concurrency: int, pool: str) -> ProcessSpec:
        size = ["-c", str(concurrency), "--pool", pool]
        quiet = ["--without-gossip", "--without-mingle", "-l", "INFO"]
        celery = ["celery", "-A", "config.celery", "worker", "-Q", queue, "-n", f"{queue}@%h"]
        name = f"worker-{queue}"
        return self._python(name, [*celery, *size, *quiet], ready=self._log_says(name, " ready."))

    def _beat(self) -> ProcessSpec:
        schedule = self.layout.run / "celerybeat-schedule"
        celery = ["celery", "-A", "config.celery", "beat", "-l", "INFO", "--pidfile="]
        return self._python("beat", [*celery, "-s", str(schedule)])

    def _receiver(self) -> ProcessSpec:
        port = self._receiver_port
        module = ["localstack.receiver", str(port), str(self.receiver_log)]
        return self._python("receiver", module, ready=lambda: ports.answers(port))

    def _nginx(self, program: str) -> nginx.Nginx:
        layout = self.layout
        return nginx.Nginx(
            program,
            layout.data,
            layout.port,
            self._web_port,
            layout.root,
            layout.host,
            self._realtime_port,
        )

    def _python(
        self, name: str, module: Sequence[str], ready: Callable[[], bool] | None = None
    ) -> ProcessSpec:
        argv = [sys.executable, "-m", *module]
        return ProcessSpec(name=name, argv=argv, env=self.env, cwd=self.layout.root, ready=ready)

    def _log_says(self, name: str, text: str) -> Callable[[], bool]:
        log = self.layout.log / f"{name}.log"
        return lambda: log.exists() and text in log.read_text(errors="replace")

    def _await(self, url: str, timeout_s: float = 30) -> None:
        deadline = time.monotonic() + timeout_s
        while not answers_ok(url):
            if time.monotonic() > deadline:
                raise StackError(
                    f"{url} does not answer; see {self.layout.shown(self.layout.log)}/"
                )
            self.supervisor.pause()


def answers_ok(url: str) -> bool:
    """True for a 200 from our own loopback address."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as reply:
            return bool(reply.status == 200)
    except (OSError, urllib.error.URLError):
        return False
