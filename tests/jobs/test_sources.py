"""Where a file comes from: form, base64, address; each with its limits."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path

import pytest

from tests.client import PNG, Reply
from tests.factories.jobs import stored_files
from tests.factories.tenants import Tenant, make_tenant
from tests.product import Product

FETCH = import_module("conversions.services.fetch_url")
HTTP = import_module("core.http")


ELSEWHERE = {
    "ring": "/ring",
    "inside": "http://169.254.169.254/latest/",
    "scheme": "file:///etc/passwd",
}
NAMED = "attachment; filename=\"x.png\"; filename*=UTF-8''%E5%86%99%E7%9C%9F.png"
SHELF: dict[str, tuple[int, dict[str, str], bytes]] = {
    "picture.png": (200, {}, PNG),
    "named": (200, {"Content-Disposition": NAMED}, PNG),
    "big.png": (200, {}, PNG + bytes(3_000_000)),
    "page.png": (200, {}, b"<!doctype html><html><body>Not a picture</body></html>"),
}


class Shelf(BaseHTTPRequestHandler):
    """Files and traps, by path."""

    def do_GET(self) -> None:
        """One answer."""
        name = self.path.split("?")[0].strip("/")
        if name == "drip.png":
            self.drip()
        elif name.startswith("hop-"):
            left = int(name.removeprefix("hop-"))
            self.answer(302, {"Location": f"/hop-{left - 1}" if left > 1 else "/picture.png"})
        elif name in ELSEWHERE:
            self.answer(302, {"Location": ELSEWHERE[name]})
        else:
            self.answer(*SHELF.get(name, (404, {}, b"")))

    def answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        """Status, headers, body."""
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def drip(self) -> None:
        """A byte now and then, for ever."""
        self.send_response(200)
        self.end_headers()
        stop: threading.Event = self.server.stop  # type: ignore[attr-defined]
        while not stop.wait(0.05):
            try:
                self.wfile.write(b"x")
            except OSError:
                return

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Its address; loopback counts as public while it is open, nothing else does."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    server.stop = threading.Event()  # type: ignore[attr-defined]
    public = HTTP.is_public
    monkeypatch.setattr(HTTP, "is_public", lambda a: str(a) == "127.0.0.1" or public(a))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.stop.set()  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(tenant: Tenant, url: str) -> Reply:
    return tenant.api.post("conversions/convert/", {"file_url": url, "output_format": "webp"})


def test_redirects_are_followed_up_to_a_limit(acme: Tenant, shelf: str) -> None:
    near, far, ring = (fetch(acme, f"{shelf}/{name}") for name in ("hop-3", "hop-6", "ring"))

    assert (near.status, near.json["input"]["filename"]) == (202, "picture.png")
    assert (far.code, ring.code) == ("url_forbidden", "url_forbidden")


@pytest.mark.parametrize("name", ["inside", "scheme"])
def test_each_hop_is_judged_again(acme: Tenant, shelf: str, name: str) -> None:
    assert fetch(acme, f"{shelf}/{name}").code == "url_forbidden"


def test_the_name_is_the_one_that_the_server_gives_in_any_script(acme: Tenant, shelf: str) -> None:
    assert fetch(acme, f"{shelf}/named").json["input"]["filename"] == "写真.png"


def test_too_much_is_refused_and_nothing_stays(
    product: Product, shelf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = make_tenant()
    monkeypatch.setattr("conversions.asking.file_limit", lambda caller: 1_000_000)

    reply = fetch(tenant, f"{shelf}/big.png")

    assert (reply.status, reply.code) == (413, "file_too_large")
    assert stored_files(product.storage, tenant) == []


def test_a_server_that_drips_is_left(
    product: Product, shelf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = make_tenant()
    monkeypatch.setattr(FETCH, "TIMEOUT_S", 0.5)

    reply = fetch(tenant, f"{shelf}/drip.png")

    assert reply.status == 422
    assert reply.json["errors"][0]["code"] == "download_failed"
    assert stored_files(product.storage, tenant) == []


def test_what_is_not_there_or_not_what_its_name_says_is_refused(acme: Tenant, shelf: str) -> None:
    missing, page = fetch(acme, f"{shelf}/nothing.png"), fetch(acme, f"{shelf}/page.png")

    assert missing.json["errors"][0]["code"] == "download_failed"
    assert page.code == "file_type_mismatch"


def test_base64_is_taken_and_nonsense_is_not(acme: Tenant) -> None:
    def send(text: str) -> Reply:
        body = {"content_base64": text, "filename": "näme.png", "output_format": "webp"}
        return acme.api.post("conversions/convert/", body)

    good, bad = send(base64.b64encode(PNG).decode()), send("not base64!")

    assert (good.status, good.json["input"]["filename"]) == (202, "näme.png")
    assert bad.json["errors"][0]["field"] == "content_base64"


def test_a_pipeline_takes_an_address(acme: Tenant, shelf: str) -> None:
    steps = {
        "in": {"operation": "import/url", "url": f"{shelf}/picture.png"},
        "out": {"operation": "convert", "input": "in", "output_format": "webp"},
    }
    good = acme.api.post("conversions/pipelines/", {"steps": steps})
    steps["in"]["url"] = f"{shelf}/inside"
    bad = acme.api.post("conversions/pipelines/", {"steps": steps})

    assert (good.status, len(good.json["steps"]["out"]["jobs"])) == (202, 1)
    assert (bad.code, bad.json["errors"][0]["field"]) == ("url_forbidden", "steps.in")


def test_no_upload_keeps_a_descriptor_open(acme: Tenant) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    seen = []

    def count(*args: object, **kwargs: object) -> None:
        seen.append(len(list(Path("/proc/self/fd").iterdir())))
        raise RuntimeError("enough")

    parts = [("files", (f"{n}.png", PNG)) for n in range(40)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("conversions.services.create_batch", count)
        acme.api.upload("conversions/batch-convert/", parts, {"output_format": "webp"})

    assert seen[0] - before < 10
