"""The front: Nginx with a configuration of our own, as any user, on one port.

It takes slow bodies off the web process, sends stored files named by X-Accel-Redirect, and speaks
problem+json when it must answer by itself.
"""

import json
import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from localstack import ports
from localstack.supervisor import ProcessSpec

MAX_BODY = "2100m"
# The largest plan's file is 2 GB; the rest of MAX_BODY is the form around it.
PROBLEMS = {
    400: ("malformed_request", "Malformed request", False),
    404: ("not_found", "Not found", False),
    405: ("method_not_allowed", "Method not allowed", False),  # TRACE, which nginx never passes on
    410: ("expired", "It was here, and has been deleted as agreed", False),
    413: ("file_too_large", "File too large", False),
    414: ("malformed_request", "Address too long", False),
    431: ("malformed_request", "Headers too large", False),
    494: ("malformed_request", "Headers too large", False),
    500: ("internal_error", "Internal error", True),
    502: ("service_unavailable", "Service unavailable", True),
    503: ("service_unavailable", "Service unavailable", True),
    504: ("service_unavailable", "The answer took too long", True),
}
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def binary() -> str | None:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def has_ipv6() -> bool:
    """Browsers may read localhost as ::1."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Nginx:
    """Front on `port` for the web process on `web_port`; `data` holds storage/, static/, run/."""

    program: str
    data: Path
    port: int
    web_port: int
    cwd: Path
    host: str = ports.HOST
    realtime_port: int = 0  # 0: none, and no request is handed over

    def prepare(self) -> None:
        for folder in ("storage", "run/nginx", "log"):
            (self.data / folder).mkdir(parents=True, exist_ok=True)
        self._config.write_text(self.config())

    def spec(self) -> ProcessSpec:
        error_log = str(self.data / "log" / "nginx.log")
        switches = ["-e", error_log, "-p", str(self.data), "-c", str(self._config)]
        return ProcessSpec(
            name="nginx",
            argv=[self.program, *switches, "-g", "daemon off;"],
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            cwd=self.cwd,
            prepare=self.prepare,
            ready=lambda: ports.answers(self.port),
            grace_s=5,
        )

    def config(self) -> str:
        run, log = self.data / "run" / "nginx", self.data / "log" / "nginx.log"
        temporary = "\n".join(f'  {name}_temp_path "{run}/{name}";' for name in TEMPORARY)
        # As root the workers keep root's eyes: storage is closed to other accounts.
        user = "user root root;" if os.geteuid() == 0 else ""
        return f"""{user}
worker_processes 2;
pid "{run}/nginx.pid";
lock_file "{run}/nginx.lock";
error_log "{log}" warn;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
{temporary}
  access_log off;
  server_tokens off;
  sendfile on;
  tcp_nopush on;
{_MEDIA_TYPES}
  gzip on;
  gzip_min_length 1024;
  gzip_proxied any;
  gzip_vary on;
  gzip_types application/json application/problem+json text/css text/plain
             application/javascript image/svg+xml;
  client_max_body_size {MAX_BODY};
  client_body_timeout 60s;
  client_header_timeout 30s;
  send_timeout 120s;
  keepalive_timeout 65s;
  large_client_header_buffers 4 16k;
  map $http_x_request_id $rid {{
    default $request_id;
    "~^[A-Za-z0-9._-]{{1,128}}$" $http_x_request_id;
  }}
  map $http_upgrade $connection_upgrade {{
    default upgrade;
    "" "";
  }}
  # Asked by the product, a file that is missing was deleted meanwhile; by anybody else, none is.
  map $upstream_status $missing {{
    default 410;
    "" 404;
  }}
  upstream web {{
    server {ports.HOST}:{self.web_port} max_fails=0;
    keepalive 32;
  }}
  server {{
    {self._listen()}
    server_name _;
{_error_pages()}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Request-Id $rid;
    proxy_request_buffering on;
    proxy_buffering on;
    proxy_connect_timeout 5s;
    proxy_send_timeout 120s;
    proxy_read_timeout 120s;
    location / {{ proxy_pass http://web; }}
{self._realtime()}
    location @web {{ proxy_pass http://web; }}
    location /_storage/ {{
      internal;
      alias "{self.data}/storage/";
      error_page 404 = /_problem/$missing;
      etag off;  # the product's own; nginx forgets the headers of an X-Accel answer
      add_header ETag $upstream_http_etag; add_header X-Job-Id $upstream_http_x_job_id;
      add_header RateLimit $upstream_http_ratelimit;
      add_header RateLimit-Policy $upstream_http_ratelimit_policy;
      add_header X-Request-Id $upstream_http_x_request_id;
      add_header X-Content-Type-Options nosniff;
    }}
    location /static/ {{
      root "{self.data}";
      expires 1h;
      try_files $uri @web;
    }}
  }}
}}
"""

    def _realtime(self) -> str:
        """Streams, sockets, and requests that the web process hands over to wait."""
        if not self.realtime_port:
            return ""
        target = f"http://{ports.HOST}:{self.realtime_port}"
        return f"""    location ~ {STREAMS} {{
      proxy_pass {target};
      proxy_buffering off;
      gzip off;
      proxy_read_timeout 1h;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
{_FORWARDED}
    }}
    # The body was taken by the web process; what is left is a question.
    location ~ ^/_wait/(?<pass>.+)$ {{
      internal;
      proxy_pass {target};
{_QUESTION}
      error_page 502 504 = /_waited/$pass;  # nobody to wait with: the job as it is
    }}
    location /_waited/ {{
      internal;
      proxy_pass http://web;
{_QUESTION}
    }}"""

    def _listen(self) -> str:
        lines = [f"listen {self.host}:{self.port} backlog=1024;"]
        if self.host == ports.HOST and has_ipv6():
            lines.append(f"listen [::1]:{self.port} backlog=1024;")
        return " ".join(lines)

    @property
    def _config(self) -> Path:
        return self.data / "run" / "nginx.conf"


STREAMS = r"^/(ws/|api/v1/(conversions/jobs/[^/]+|notifications)/events/$)"
_FORWARDED = """      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Request-Id $rid;"""
_QUESTION = f"""      proxy_method GET;
      proxy_pass_request_body off;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_set_header Content-Type "";
{_FORWARDED}"""


def _error_pages() -> str:
    blocks = []
    for status, (code, title, retryable) in PROBLEMS.items():
        shown = {494: 431, 502: 503, 504: 503}.get(status, status)
        body = {
            "type": f"/problems/{code}",
            "title": title,
            "status": shown,
            "code": code,
            "detail": f"{title}.",
            "request_id": "$rid",
            "retryable": retryable,
            "errors": [],
        }
        retry = ' add_header Retry-After "2" always;' if shown in (502, 503) else ""
        if shown == 405:
            retry = ' add_header Allow "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" always;'
        blocks.append(
            f"    error_page {status} ={shown} /_problem/{status};\n"
            f"    location = /_problem/{status} {{ internal; default_type application/problem+json;"
            f" add_header X-Request-Id $rid always;{retry} return {shown} '{json.dumps(body)}'; }}"
        )
    return "\n".join(blocks)


_MEDIA_TYPES = """  default_type application/octet-stream;
  types {
    text/html html; text/css css; application/javascript js mjs; application/json json map;
    image/svg+xml svg; image/png png; image/jpeg jpg jpeg; image/webp webp; image/x-icon ico;
    font/woff2 woff2; text/plain txt; application/wasm wasm;
  }"""
