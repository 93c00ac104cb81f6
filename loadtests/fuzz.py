"""`make fuzz`: schemathesis on every route of swagger.json, by key, by a person and by staff.

No answer may be a 5xx or differ from what the description says of it. On a stack of its own below
var/fuzz, or from the tests on theirs.
"""

from __future__ import annotations

import base64
import subprocess  # noqa: TID251 - schemathesis is a program of its own
import sys
from pathlib import Path
from typing import Any

import httpx
from django_otp.oath import totp

from localstack import ports
from localstack.serve import ROOT, running
from localstack.stack import Layout

CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_headers_conformance", "response_schema_conformance", "ignored_auth"),
    *("missing_required_header", "unsupported_method"),
)
# Called with ids that other answers named, these end the caller's own session, key or tenant: they
# run by themselves, or else all that follows would be tried by nobody.
ENDING = r"/sessions/\{|/api-keys/\{|/staff/(tenants|users)/\{"
# Streams that stay open until the caller leaves: tests/jobs/test_realtime.py follows them.
OPEN_ENDED = r"/(jobs/\{job_id\}|notifications)/events/$"
# A conversion that waits for its end is slow, not wrong.
TIMEOUT_S = 75


def argv(base_url: str, headers: dict[str, str], *, examples: int, seed: int) -> list[str]:
    """The command."""
    given = [f"--header={name}: {value}" for name, value in headers.items()]
    return [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{base_url}/swagger.json",
        *given,
        f"--exclude-path-regex={OPEN_ENDED}",
        f"--checks={','.join(CHECKS)}",
        f"--max-examples={examples}",
        f"--seed={seed}",
        f"--request-timeout={TIMEOUT_S}",
        "--generation-database=none",
        "--continue-on-failure",
        "--warnings=off",
        "--no-color",
    ]


def parts(routes: str = "") -> list[str]:
    """Which operations, by a pattern of their addresses: first those that end nothing."""
    return [f"--include-path-regex=^(?=.*{routes})({look}.*(?:{ENDING}))" for look in ("?!", "?=")]


def token_of(base_url: str, person: dict[str, str]) -> str:
    """An access token; with the second factor where the person's secret is known."""
    body: dict[str, str] = {name: person[name] for name in ("username", "password")}
    if secret := person.get("totp_secret"):
        body["otp"] = f"{totp(base64.b32decode(secret), t0=0):06d}"
    with httpx.Client(base_url=base_url, trust_env=False, timeout=60) as http:
        reply = http.post("/api/v1/auth/login/", json=body)
        reply.raise_for_status()
        return str(reply.json()["access"])


def callers(demo: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Headers of a key, a person and staff: two tenants, so that neither logs the other out.

    Not twice within 30 s: a code of the second factor is good once.
    """
    base_url = demo["base_url"]
    one, two = demo["tenants"][:2]
    token = token_of(base_url, two["owner"])
    return {
        "key": {"Authorization": f"Api-Key {one['api_key']}"},
        "token": {"Authorization": f"Bearer {token}", "X-Tenant": two["slug"]},
        "staff": {"Authorization": f"Bearer {token_of(base_url, demo['staff'])}"},
    }


def lift_limits(base_url: str, staff: dict[str, str]) -> None:
    """Put every tenant on the plan without limits: a 429 tells nothing."""
    with httpx.Client(base_url=base_url, headers=staff, trust_env=False, timeout=60) as http:
        found = http.get("/api/v1/staff/tenants/").raise_for_status().json()
        for tenant in found["items"]:
            address = f"/api/v1/staff/tenants/{tenant['id']}/change-plan/"
            http.post(address, json={"plan": "enterprise"}).raise_for_status()


def main() -> None:
    """The long version: every phase, 60 examples for each route and caller."""
    (port,) = ports.free_ports(1)
    failed = []
    with running(Layout(ROOT, ROOT / "var/fuzz", port)) as (_, demo):
        everyone = callers(demo)
        lift_limits(demo["base_url"], everyone["staff"])
        for name, headers in everyone.items():
            for part in parts():
                print(f"\nAs {name}: {part}", flush=True)
                command = argv(demo["base_url"], headers, examples=60, seed=20261121)
                if subprocess.run([*command, part], check=False).returncode:
                    failed.append(name)
    sys.exit(f"schemathesis found something: as {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
