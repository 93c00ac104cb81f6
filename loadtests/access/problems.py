"""Line 8, played last: which codes of API.md were met, with their status, shape and page."""

from __future__ import annotations

import io
import zipfile

from PIL import Image

from loadtests.access.callers import Caller
from loadtests.access.people import Person, newcomer
from loadtests.access.stage import Stage
from loadtests.access.tenants import tenant_id

TABLE: dict[int, tuple[str, ...]] = {
    400: ("malformed_request",),
    401: (
        *("authentication_required", "invalid_credentials", "token_expired", "key_invalid"),
        *("key_revoked", "key_expired", "mfa_required"),
    ),
    402: ("quota_exceeded", "storage_full", "feature_not_in_plan", "payment_failed"),
    403: (
        *("permission_denied", "scope_missing", "csrf_failed", "email_not_verified"),
        "tenant_suspended",
    ),
    404: ("not_found",),
    405: ("method_not_allowed",),
    406: ("not_acceptable",),
    409: ("conflict", "idempotency_in_progress", "job_not_ready", "job_not_cancelable"),
    410: ("expired",),
    412: ("precondition_failed",),
    413: ("file_too_large",),
    415: ("unsupported_media_type",),
    422: (
        *("validation_error", "unsupported_conversion", "file_empty", "file_type_mismatch"),
        *("file_type_unknown", "file_malicious", "file_corrupt", "file_encrypted"),
        *("archive_bomb", "limit_exceeded", "url_forbidden", "idempotency_mismatch"),
    ),
    429: ("rate_limited", "too_many_attempts"),
    500: ("internal_error",),
    503: ("service_unavailable", "queue_full"),
}
JOB_CODES = (
    *("engine_failed", "engine_crashed", "timed_out", "memory_exceeded", "output_too_large"),
    *("output_invalid", "password_wrong", "download_failed", "canceled"),
)
# Nobody outside can raise these: faults of ours, and what has no route yet.
OUT_OF_REACH = {
    *("internal_error", "service_unavailable", "queue_full", "storage_full", "payment_failed"),
    *("not_acceptable", "precondition_failed"),
}
# Met or not by the speed of the machine, or inside of a job instead of an answer.
MAY_HIDE = {
    *("job_not_ready", "feature_not_in_plan", "file_corrupt", "file_encrypted", "limit_exceeded"),
}


def play(stage: Stage) -> None:
    """Raise what the other lines have not, then count."""
    owner = newcomer(stage)
    key = owner.keyed(scopes=["conversions:read", "conversions:write"])
    plain(stage, owner, key)
    files(stage, key)
    limits(stage, owner, key)
    pages(stage)
    table(stage)


def plain(stage: Stage, owner: Person, key: Caller) -> None:
    """Errors of the request itself."""
    json_type = {"Content-Type": "application/json"}
    bent = key.call("POST", "conversions/presets/", content=b'{"name": ', headers=json_type)
    stage.expect("half a JSON", bent, "malformed_request")
    latin = key.call("POST", "conversions/presets/", content=b'{"name": "\xff"}', headers=json_type)
    stage.expect("JSON that is no UTF-8", latin, "malformed_request", "validation_error")
    wrong = key.post("conversions/presets/", {"steps": 3})
    fields = [item["field"] for item in wrong.json["errors"]]
    stage.check(
        "each wrong field is named as it was sent",
        holds={"name", "steps"} <= set(fields),
        seen=fields,
    )
    query = key.get("conversions/jobs/?limit=0")
    named = [item["field"] for item in query.json["errors"]]
    stage.check("in a query as well", holds=named == ["limit"], seen=named)
    stage.expect("no such address", key.get(f"{stage.word()}/"), "not_found")
    stage.expect("another method", key.call("PUT", "conversions/jobs/"), "method_not_allowed")
    stage.expect("a zero byte", key.get("conversions/jobs/?q=%00"), 200, "validation_error")
    person = owner.inside()
    odd = person.call("PUT", "auth/me/avatar/", content=b"x", headers={"Content-Type": "text/x"})
    stage.expect("a body of another type", odd, "unsupported_media_type")
    mark = f"mine-{stage.name()}"
    echoed = key.get("conversions/nothing/", X_Request_Id=mark)
    stage.check(
        "a valid request id is echoed", holds=echoed.json["request_id"] == mark, seen=echoed
    )
    replaced = key.get("conversions/nothing/", X_Request_Id="a b<script>")
    stage.check("another is replaced", holds="script" not in replaced.headers["X-Request-Id"])


def files(stage: Stage, key: Caller) -> None:
    """Errors of what was uploaded."""
    word = stage.word()
    cases = {
        "file_empty": (f"{word}.png", b" \n", "webp"),
        "file_type_mismatch": (
            f"{word}.docx",
            b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer<<>>\n%%EOF",
            "pdf",
        ),
        "file_type_unknown": (word, stage.random.randbytes(400), "pdf"),
        "unsupported_conversion": (f"{word}.png", stage.picture(), "mp3"),
        "file_malicious": (f"{word}.svg", entity(word), "png"),
        "archive_bomb": (f"{word}.zip", bomb(), "tar"),
        "limit_exceeded": (f"{word}.png", enormous(), "webp"),
        "file_encrypted": (f"{word}.zip", locked(), "tar"),
    }
    for code, (name, content, to) in cases.items():
        reply = key.convert(name, content, to, params={"wait": 30})
        job = (reply.json.get("error") or {}).get("code") if reply.status in (200, 202) else None
        stage.check(f"{code}", holds=code in (reply.code, job), seen=reply)
    url = {"file_url": "http://127.0.0.1:1/x.png", "output_format": "webp"}
    local = key.call("POST", "conversions/convert/", data=url)
    stage.expect("an address of this machine", local, "url_forbidden")


def entity(word: str) -> bytes:
    """A drawing that would read a file."""
    return (
        f'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY {word} SYSTEM "file:///etc/passwd">]>'
        f'<svg xmlns="http://www.w3.org/2000/svg"><text>&{word};</text></svg>'
    ).encode()


def bomb() -> bytes:
    """An archive that unpacks to 300 MB of nothing."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for number in range(3):
            archive.writestr(f"{number}.txt", b"\0" * 100_000_000)
    return made.getvalue()


def locked() -> bytes:
    """An archive whose only entry is marked as encrypted."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("secret.txt", b"0" * 64)
    content = bytearray(made.getvalue())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    return bytes(content)


def enormous() -> bytes:
    """A picture of 289 megapixels, all of one colour: 268 are allowed."""
    made = io.BytesIO()
    Image.new("1", (17_000, 17_000)).save(made, "PNG")
    return made.getvalue()


def limits(stage: Stage, owner: Person, key: Caller) -> None:
    """Errors of state, plan and quota."""
    film = key.at()
    job = film.convert("x.png", stage.picture(900, 700), "avif").json
    early = film.get(f"conversions/jobs/{job['id']}/download/")
    stage.expect("a result that is not there yet", early, "job_not_ready", 200)
    stage.until(lambda: key.get(f"conversions/jobs/{job['id']}/").json["status"] == "completed", 30)
    stage.expect(
        "canceling what has ended",
        key.post(f"conversions/jobs/{job['id']}/cancel/"),
        "job_not_cancelable",
    )
    tester = owner.keyed(test=True)
    large = tester.convert("x.txt", stage.random.randbytes(1000) * 10_500, "pdf")
    stage.expect("more than 10 MB with a test key", large, "file_too_large")
    batch = key.call(
        "POST",
        "conversions/batch-convert/",
        files={"files": ("x.png", stage.picture())},
        data={"output_format": "webp"},
    )
    stage.note(f"a batch on Free is answered {batch.code}")
    place = f"staff/tenants/{tenant_id(owner)}/change-plan/"
    stage.staff().post(place, {"plan": "free", "conversions": 1})
    over = key.convert("x.png", stage.picture(), "webp")
    stage.expect("more than the month's conversions", over, "quota_exceeded")


def pages(stage: Stage) -> None:
    """A page for every code."""
    visitor = stage.visitor()
    codes = [*(code for found in TABLE.values() for code in found), *JOB_CODES]
    lacking = []
    for code in codes:
        for path in (f"/problems/{code}", f"/problems/{code}/"):
            reply = visitor.get(path)
            is_page = reply.headers.get("Content-Type", "").startswith("text/html")
            if reply.status != 200 or code not in reply.text or not is_page:
                lacking.append(path)
    stage.check(f"{len(codes)} codes have a page", holds=not lacking, seen=lacking)
    odd = visitor.get(f"/problems/{stage.word()}/")
    stage.check("what is no code has none", holds=odd.status == 404)


def table(stage: Stage) -> None:
    """Every answer of the whole play."""
    status_of = {code: status for status, codes in TABLE.items() for code in codes}
    seen = stage.wire.codes
    wrong = {code: status for code, status in seen.items() if status_of.get(code) != status}
    stage.check("every code that was met has the status of the table", holds=not wrong, seen=wrong)
    met = [code for code in status_of if code in seen]
    unmet = ", ".join(sorted(set(status_of) - set(met)))
    stage.note(f"{len(met)} of {len(status_of)} codes were met; not: {unmet}")
    if stage.is_whole:
        missing = set(status_of) - set(met) - OUT_OF_REACH - MAY_HIDE
        stage.check("each that can be raised from outside was met", holds=not missing, seen=missing)
    faults = stage.wire.faults
    stage.check(
        f"{stage.wire.counted} answers: request id, RateLimit, one shape of problems, no fault",
        holds=not faults,
        seen=(len(faults), faults[:3]),
    )
