"""What stands before and beside the product: Nginx and the webhook receiver."""

import json
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from localstack import nginx, ports
from localstack.receiver import Receiver
from tests.localstack.conftest import MakeSupervisor


def get(url: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(url, headers=headers or {})  # noqa: S310 - loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as reply:
            return reply.status, dict(reply.headers), reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


@pytest.mark.engine
def test_the_front_answers_problems_by_itself(
    tmp_path: Path, make_supervisor: MakeSupervisor
) -> None:
    program = nginx.binary()
    if not program:
        pytest.skip("no nginx on this machine")
    front, web = ports.free_ports(2)
    with make_supervisor(tmp_path) as supervisor:
        supervisor.start([nginx.Nginx(program, tmp_path, front, web, tmp_path).spec()])

        url = f"http://127.0.0.1:{front}"
        status, headers, body = get(f"{url}/api/v1/", {"X-Request-Id": "abc-1"})
        assert (status, headers["Content-Type"]) == (503, "application/problem+json")
        problem = json.loads(body)
        assert problem["code"] == "service_unavailable"
        assert problem["request_id"] == headers["X-Request-Id"] == "abc-1"

        (tmp_path / "storage" / "secret").write_text("x")
        status, _, body = get(f"{url}/_storage/secret")
        assert (status, json.loads(body)["code"]) == (404, "not_found")


def test_the_receiver_writes_each_request_and_answers_as_asked(tmp_path: Path) -> None:
    log = tmp_path / "webhooks.jsonl"
    with Receiver(0, log) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{receiver.server_address[1]}"

        statuses = [get(f"{url}{path}")[0] for path in ("/hook", "/status/410", "/slow/0.01")]

        receiver.shutdown()
        thread.join()
    assert statuses == [200, 410, 200]
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["path"] for line in lines] == ["/hook", "/status/410", "/slow/0.01"]
    assert set(lines[0]) == {"at", "method", "path", "headers", "body"}
