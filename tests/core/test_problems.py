"""Every error is a problem (RFC 9457) with the contract's code, and leaves nothing behind."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

import pytest

from conversions.terms import JOB_ERRORS
from core.env import env
from core.errors import AppError, every_error
from tenants.auth import REMEMBERED
from tests.client import PNG, Api, Reply
from tests.factories.jobs import make_job, stored_files
from tests.factories.tenants import Tenant, make_tenant
from tests.product import Product

FIELDS = {"type", "title", "status", "code", "detail", "request_id", "retryable", "errors"}
BAD_INPUT: dict[str, tuple[Callable[[Api], Reply], int, str]] = {
    "empty file": (lambda a: a.convert("x.png", b""), 422, "file_empty"),
    "only white space": (lambda a: a.convert("x.txt", b" \n\t\n", "pdf"), 422, "file_empty"),
    "unknown format": (lambda a: a.convert(to="nosuch"), 422, "unsupported_conversion"),
    "impossible pair": (lambda a: a.convert(to="mp3"), 422, "unsupported_conversion"),
    "lying extension": (lambda a: a.convert("x.pdf", to="docx"), 422, "file_type_mismatch"),
    "unknown type": (
        lambda a: a.convert("x", b"\x00\x91\xfe" * 40, "pdf", force="true"),
        422,
        "file_type_unknown",
    ),
    "no file": (
        lambda a: a.upload("conversions/convert/", {}, {"output_format": "pdf"}),
        422,
        "validation_error",
    ),
    "no format": (
        lambda a: a.upload("conversions/convert/", {"file": ("x.png", PNG)}, {}),
        422,
        "validation_error",
    ),
    "options that are no JSON": (lambda a: a.convert(options="{not json"), 422, "validation_error"),
    "options that are a list": (lambda a: a.convert(options="[1]"), 422, "validation_error"),
    "unknown option": (lambda a: a.convert(options='{"nope": 1}'), 422, "validation_error"),
    "bad option value": (lambda a: a.convert(options='{"quality": 9000}'), 422, "validation_error"),
    "unknown engine": (lambda a: a.convert(engine="nosuch"), 422, "unsupported_conversion"),
    "zero byte in metadata": (
        lambda a: a.convert(metadata='{"a": "b\\u0000c"}'),
        422,
        "validation_error",
    ),
    "zero byte in a name": (
        lambda a: a.post(
            "conversions/convert/",
            {
                "content_base64": base64.b64encode(PNG).decode(),
                "filename": "x.png",
                "output_format": "webp",
                "name": "a\x00b",
            },
        ),
        422,
        "validation_error",
    ),
    "negative retention": (lambda a: a.convert(retention_hours="-1"), 422, "validation_error"),
    "private webhook": (
        lambda a: a.convert(webhook_url="http://169.254.169.254/"),
        422,
        "url_forbidden",
    ),
    "private file_url": (
        lambda a: a.post(
            "conversions/convert/", {"file_url": "http://10.0.0.1/x", "output_format": "pdf"}
        ),
        422,
        "url_forbidden",
    ),
    "bad base64": (
        lambda a: a.post(
            "conversions/convert/",
            {"content_base64": "***", "filename": "x.png", "output_format": "webp"},
        ),
        422,
        "validation_error",
    ),
    "malformed JSON": (
        lambda a: a.call("POST", "conversions/convert/", "{oops"),
        400,
        "malformed_request",
    ),
    "JSON list": (
        lambda a: a.call("POST", "conversions/convert/", "[1]"),
        400,
        "malformed_request",
    ),
    "malformed form": (
        lambda a: a.call(
            "POST", "conversions/convert/", "x", content_type="multipart/form-data; boundary="
        ),
        400,
        "malformed_request",
    ),
    "unknown body type": (
        lambda a: a.call("POST", "conversions/convert/", "x", content_type="text/csv"),
        415,
        "unsupported_media_type",
    ),
    "exploding entities": (
        lambda a: a.convert(
            "x.svg",
            b'<!DOCTYPE s [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>'
            b'<svg xmlns="http://www.w3.org/2000/svg">&b;</svg>',
            "png",
        ),
        422,
        "file_malicious",
    ),
}


@pytest.fixture(scope="module")
def tidy(running_product: Product) -> Tenant:
    """A tenant that has nothing and must have nothing afterwards."""
    return make_tenant()


def assert_problem(reply: Reply, status: int, code: str) -> None:
    assert (reply.status, reply.code) == (status, code), reply.body
    body = reply.json
    assert body.keys() >= FIELDS
    assert body["type"] == f"/problems/{code}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == reply.headers["X-Request-Id"]
    assert "Traceback" not in reply.body.decode()


@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_input_is_refused_and_nothing_is_stored_or_charged(
    tidy: Tenant, product: Product, name: str
) -> None:
    call, status, code = BAD_INPUT[name]

    reply = call(tidy.api)

    assert_problem(reply, status, code)
    assert stored_files(product.storage, tidy) == []
    assert tidy.api.quota() == (0, 0)
    assert tidy.api.get("conversions/jobs/").json["items"] == []


PLAIN: dict[str, tuple[Callable[[Api], Reply], int, str]] = {
    "unknown path": (lambda a: a.get("nothing/here/"), 404, "not_found"),
    "unknown job": (lambda a: a.get("conversions/jobs/job_nope/"), 404, "not_found"),
    "climbing job": (lambda a: a.get("conversions/jobs/..%2f..%2fetc/"), 404, "not_found"),
    "job with a zero byte": (
        lambda a: a.get("conversions/jobs/a%00b/"),
        422,
        "validation_error",
    ),
    "filter with a zero byte": (
        lambda a: a.get("conversions/jobs/?q=a%00b"),
        422,
        "validation_error",
    ),
    "zero byte in a body": (
        lambda a: a.post(
            "webhooks/endpoints/", {"url": "https://example.com/", "description": "a\x00b"}
        ),
        422,
        "validation_error",
    ),
    "wrong method": (lambda a: a.call("PUT", "conversions/convert/"), 405, "method_not_allowed"),
    "no credentials": (
        lambda a: Api().get("conversions/jobs/"),
        401,
        "authentication_required",
    ),
    "bad limit": (lambda a: a.get("conversions/jobs/?limit=0"), 422, "validation_error"),
    "bad cursor": (lambda a: a.get("conversions/jobs/?cursor=%25%25"), 422, "validation_error"),
    "cursor of nonsense": (
        lambda a: a.get("conversions/jobs/?cursor=YWJj"),
        422,
        "validation_error",
    ),
    "bad date": (
        lambda a: a.get("conversions/jobs/?created_after=yesterday"),
        422,
        "validation_error",
    ),
    "malformed login": (lambda a: a.call("POST", "auth/login/", "{oops"), 400, "malformed_request"),
    "unknown pair": (
        lambda a: a.get("conversions/formats/png/mp3/"),
        422,
        "unsupported_conversion",
    ),
    "unknown event": (
        lambda a: a.post(
            "webhooks/endpoints/", {"url": "https://example.com/", "events": ["nope.*"]}
        ),
        422,
        "validation_error",
    ),
    "bad secret": (
        lambda a: a.post("webhooks/endpoints/", {"url": "https://example.com/", "secret": "abc"}),
        422,
        "validation_error",
    ),
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_wrong_call_gets_a_problem(acme: Tenant, name: str) -> None:
    call, status, code = PLAIN[name]

    assert_problem(call(acme.api), status, code)


def test_a_valid_request_id_is_echoed_and_another_is_replaced(acme: Tenant) -> None:
    kept = acme.api.call("GET", "nothing/", headers={"X-Request-Id": "trace-42.A"})
    odd = acme.api.call("GET", "nothing/", headers={"X-Request-Id": "two words"})
    long = acme.api.call("GET", "nothing/", headers={"X-Request-Id": "x" * 129})

    assert kept.headers["X-Request-Id"] == kept.json["request_id"] == "trace-42.A"
    assert odd.headers["X-Request-Id"].startswith("req_")
    assert long.headers["X-Request-Id"].startswith("req_")


def test_an_unforeseen_fault_shows_no_trace(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*args: object, **kwargs: object) -> None:
        raise RuntimeError("secret inner words")

    monkeypatch.setattr("conversions.queries.job_list", explode)

    reply = acme.api.get("conversions/jobs/")

    assert_problem(reply, 500, "internal_error")
    assert b"secret inner words" not in reply.body


def test_a_database_that_is_away_is_told_as_503(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("conversions.queries.job_list", away)

    reply = acme.api.get("conversions/jobs/")

    assert_problem(reply, 503, "service_unavailable")
    assert reply.headers["Retry-After"]


def test_a_database_that_is_away_at_the_key_is_told_as_503(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("tenants.queries.key_by_prefix", away)
    REMEMBERED.clear()

    assert_problem(acme.api.get("conversions/jobs/"), 503, "service_unavailable")


def test_a_database_that_goes_between_key_and_view_is_told_as_503(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("tenants.middleware.check_identity", away)

    reply = acme.api.get("conversions/jobs/")

    assert_problem(reply, 503, "service_unavailable")
    assert reply.headers["Retry-After"]


NAMES = {
    "long": "ä" * 300 + ".png",
    "climbing": "../../../etc/passwd.png",
    "windows": "..\\..\\boot.png",
    "absolute": "/etc/cron.d/x.png",
    "control": "a\x07b\x1b[31m.png",
    "right to left": "photo\u202egnp.png",
    "dots": "...png",
    "null device": "CON.png",
}


@pytest.mark.parametrize("kind", NAMES)
def test_any_name_is_reduced_to_one_safe_part(tidy: Tenant, product: Product, kind: str) -> None:
    reply = tidy.api.convert(NAMES[kind])

    assert reply.status == 202, reply.body
    shown = reply.json["input"]["filename"]
    assert not re.search(r"[\x00-\x1f\x7f\u202e]", shown)
    files = stored_files(product.storage, tidy)
    folder = product.storage / tidy.schema / "jobs" / reply.json["id"]
    assert [file.parent for file in files] == [folder / "input"]
    assert len(files[0].name.encode()) <= 255
    assert tidy.api.delete(f"conversions/jobs/{reply.json['id']}/").status == 204
    assert stored_files(product.storage, tidy) == []


def test_a_file_over_the_plan_is_refused_wherever_it_comes_from(product: Product) -> None:
    from tenants.models import Tenant as Row

    small = make_tenant()
    Row.objects.filter(pk=small.id).update(upload_bytes=50)

    form = small.api.convert()
    json = small.api.post(
        "conversions/convert/",
        {"content_base64": "iVBOR" * 40, "filename": "x.png", "output_format": "webp"},
    )

    assert_problem(form, 413, "file_too_large")
    assert_problem(json, 413, "file_too_large")
    assert stored_files(product.storage, small) == []
    assert small.api.quota() == (0, 0)


def test_a_test_key_takes_small_files_only(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversions.asking.TEST_FILE_BYTES", 60)

    assert_problem(acme.test_api.convert(), 413, "file_too_large")
    assert acme.api.convert().status == 202


def test_another_picture_format_than_the_name_says_is_taken_with_a_warning(acme: Tenant) -> None:
    reply = acme.api.convert("photo.jpg", PNG, "webp")

    assert reply.status == 202
    assert reply.json["input"]["format"] == "png"


@pytest.mark.parametrize("filename", ["picture", "picture.backup"])
def test_a_name_that_says_nothing_is_no_mismatch(acme: Tenant, filename: str) -> None:
    assert acme.api.convert(filename).status == 202


def test_force_takes_a_file_that_is_not_what_it_says(acme: Tenant) -> None:
    reply = acme.api.convert("x.pdf", PNG, "webp", force="true")

    assert reply.status == 202
    assert reply.json["input"]["format"] == "png"


def every_class() -> list[type[AppError]]:
    """The whole tree."""
    import config.urls  # noqa: F401 - imports every app

    found: list[type[AppError]] = [AppError]
    for cls in found:
        found += cls.__subclasses__()
    return found


def test_every_error_has_a_title_a_status_and_a_page(visitor: Api) -> None:
    for cls in every_class():
        page = visitor.get(f"/problems/{cls.code}")

        assert cls.__doc__, cls
        assert 400 <= cls.status < 600
        assert page.status == 200, cls.code
        assert every_error()[cls.code].title() in page.body.decode().replace("&#x27;", "'")


@pytest.mark.parametrize("code", sorted(JOB_ERRORS))
def test_every_job_error_has_a_page(visitor: Api, code: str) -> None:
    assert visitor.get(f"/problems/{code}").status == 200


def test_an_unknown_problem_has_no_page(visitor: Api) -> None:
    assert visitor.get("/problems/no_such_code").status == 404


def test_cancel_ends_a_job_once(acme: Tenant) -> None:
    job_id = make_job(acme)
    used = acme.api.quota()

    canceled = acme.api.post(f"conversions/jobs/{job_id}/cancel/")
    again = acme.api.post(f"conversions/jobs/{job_id}/cancel/")

    assert canceled.json["status"] == "canceled"
    assert canceled.json["error"]["code"] == "canceled"
    assert_problem(again, 409, "job_not_cancelable")
    assert acme.api.quota() == (used[0], used[1] - 1)


def test_secure_headers_are_on_every_answer(acme: Tenant, visitor: Api) -> None:
    for reply in (acme.api.get("conversions/jobs/"), visitor.get("/"), visitor.get("/health/")):
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'self'" in reply.headers["Content-Security-Policy"]
    assert acme.api.get("conversions/jobs/").headers["Cache-Control"] == "no-store"


def test_the_settings_are_those_of_the_test(product: Product) -> None:
    assert env().storage.folder == product.storage
