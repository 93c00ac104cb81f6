"""`make load`: customers who convert and look, against a running `make serve`, bounded, loopback.

Each simulated customer holds the key of one of the two demo tenants. Locust prints percentiles; the
run fails when an answer is neither a success nor a refusal that the contract names.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from urllib.parse import urlsplit

from locust import HttpUser, between, events, task
from locust.env import Environment

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "platform/localstack/samples/landscape.png"
ALLOWED = {200, 202, 402, 429, 503}  # done, accepted, quota, rate limit, please wait
DEMO = json.loads((ROOT / "var/demo.json").read_text())
KEYS = itertools.cycle([tenant["api_key"] for tenant in DEMO["tenants"]])


@events.init.add_listener  # type: ignore[untyped-decorator]
def stay_at_home(environment: Environment, **kwargs: object) -> None:
    """Refuse any target but this machine."""
    host = urlsplit(environment.host or DEMO["base_url"]).hostname
    if host not in {"localhost", "127.0.0.1", "::1"}:
        raise SystemExit(f"load is only put on this machine, not on {host}")


class Customer(HttpUser):
    """Reads more often than they convert."""

    host = DEMO["base_url"]
    wait_time = between(0.05, 0.3)

    def on_start(self) -> None:
        """Take a tenant's key."""
        self.client.headers["Authorization"] = f"Api-Key {next(KEYS)}"
        self.seen: list[str] = []

    @task(2)
    def convert(self) -> None:
        """Send a small picture and go on."""
        with self.client.post(
            "/api/v1/conversions/convert/",
            files={"file": (SAMPLE.name, SAMPLE.read_bytes())},
            data={"output_format": "webp"},
            catch_response=True,
        ) as answer:
            if answer.status_code not in ALLOWED:
                answer.failure(f"{answer.status_code} {answer.text[:200]}")
            elif answer.status_code == 202:
                self.seen.append(answer.json()["id"])
                answer.success()

    @task(5)
    def look(self) -> None:
        """Ask for one of the own jobs."""
        if self.seen:
            self.client.get(
                f"/api/v1/conversions/jobs/{self.seen[-1]}/", name="/api/v1/conversions/jobs/{id}/"
            )

    @task(1)
    def browse(self) -> None:
        """List the newest jobs."""
        self.client.get("/api/v1/conversions/jobs/?limit=20")
