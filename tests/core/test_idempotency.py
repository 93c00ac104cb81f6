"""One key, one answer."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from core.idempotency.models import IdempotencyRecord
from core.idempotency.services import forget_old
from core.tenancy import in_tenant
from tests.client import PNG, Reply
from tests.factories.tenants import Tenant, make_member, make_tenant
from tests.threads import at_once


def fresh() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(8)}


def test_the_first_answer_is_replayed(acme: Tenant) -> None:
    key, before = fresh(), acme.api.quota()

    first = acme.api.convert(headers=key)
    second = acme.api.convert(headers=key)

    assert (first.status, second.status) == (202, 202)
    assert first.body == second.body
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Location"] == first.headers["Location"]
    assert acme.api.quota() == (before[0], before[1] + 1)


@pytest.mark.parametrize("change", ["format", "file", "name", "path"])
def test_another_request_with_the_same_key_is_refused(acme: Tenant, change: str) -> None:
    key = fresh()
    acme.api.convert(headers=key)

    other = {
        "format": lambda: acme.api.convert(to="gif", headers=key),
        "file": lambda: acme.api.convert(content=PNG + b"\0", headers=key),
        "name": lambda: acme.api.convert("other.png", headers=key),
        "path": lambda: acme.api.call("POST", "conversions/presets/", {}, headers=key),
    }[change]()

    assert (other.status, other.code) == (422, "idempotency_mismatch")


def test_a_wrong_method_or_address_is_told_before_the_key_is_looked_at(acme: Tenant) -> None:
    key = fresh()
    acme.api.convert(headers=key)

    wrong = acme.api.call("PATCH", "conversions/convert/", {}, headers=key)
    nowhere = acme.api.call("POST", "conversions/nowhere/", {}, headers=key)

    assert (wrong.status, wrong.code) == (405, "method_not_allowed")
    assert (nowhere.status, nowhere.code) == (404, "not_found")


def test_a_request_that_still_runs_is_told(acme: Tenant) -> None:
    key = fresh()
    acme.api.convert(headers=key)
    with in_tenant(acme.schema):
        IdempotencyRecord.objects.filter(pk=key["Idempotency-Key"]).update(status=None)

    reply = acme.api.convert(headers=key)

    assert (reply.status, reply.code) == (409, "idempotency_in_progress")
    assert reply.headers["Retry-After"] == "1"
    assert reply.json["retryable"] is True


def test_the_key_of_a_request_that_died_can_be_taken(acme: Tenant) -> None:
    key, past = fresh(), datetime.now(UTC) - timedelta(seconds=1)
    acme.api.convert(headers=key)
    with in_tenant(acme.schema):
        IdempotencyRecord.objects.filter(pk=key["Idempotency-Key"]).update(
            status=None, locked_until=past
        )

    assert acme.api.convert(headers=key).status == 202


def test_twenty_calls_at_once_make_one_job() -> None:
    tenant, key = make_tenant(), fresh()

    replies: list[Reply] = at_once(20, lambda _: tenant.api.convert(headers=key))

    accepted = {reply.json["id"] for reply in replies if reply.status == 202}
    others = {reply.code for reply in replies if reply.status != 202}
    assert len(accepted) == 1
    assert others <= {"idempotency_in_progress"}
    assert len(tenant.api.get("conversions/jobs/").json["items"]) == 1
    assert tenant.api.quota() == (0, 1)


def test_keys_are_each_tenants_own(acme: Tenant, globex: Tenant) -> None:
    key = fresh()

    one, two = acme.api.convert(headers=key), globex.api.convert(headers=key)

    assert (one.status, two.status) == (202, 202)
    assert one.json["id"] != two.json["id"]


def test_a_refusal_is_replayed_and_a_fault_is_not(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal, fault = fresh(), fresh()

    first = acme.api.convert(to="nosuch", headers=refusal)
    again = acme.api.convert(to="nosuch", headers=refusal)
    with monkeypatch.context() as patch:
        patch.setattr("conversions.api.accept_convert", lambda *args: 1 / 0)
        failed = acme.api.convert(headers=fault)
    retried = acme.api.convert(headers=fault)

    assert (first.status, again.status) == (422, 422)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (failed.status, retried.status) == (500, 202)
    assert "Idempotency-Replayed" not in retried.headers


def test_an_answer_is_forgotten_after_a_day(acme: Tenant) -> None:
    key = fresh()
    first = acme.api.convert(headers=key)
    with in_tenant(acme.schema):
        IdempotencyRecord.objects.filter(pk=key["Idempotency-Key"]).update(
            created_at=datetime.now(UTC) - timedelta(hours=25)
        )

    assert acme.api.convert(headers=key).json["id"] != first.json["id"]


def test_reading_takes_no_key(acme: Tenant) -> None:
    key = fresh()

    assert acme.api.call("GET", "conversions/jobs/", headers=key).status == 200
    assert (
        "Idempotency-Replayed" not in acme.api.call("GET", "conversions/jobs/", headers=key).headers
    )


def test_an_unusable_key_is_refused(acme: Tenant) -> None:
    assert acme.api.convert(headers={"Idempotency-Key": "x" * 256}).code == "validation_error"


def test_a_process_that_dies_before_it_answers_has_kept_the_answer(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.idempotency.services.remember", lambda key, response: None)
    headers = {"Idempotency-Key": secrets.token_hex(8)}

    first = acme.api.convert(headers=headers)
    again = acme.api.convert(headers=headers)

    assert (first.status, again.status) == (202, 202)
    assert again.json["id"] == first.json["id"]
    assert again.headers["Idempotency-Replayed"] == "true"


def make_key(tenant: Tenant, name: str, headers: dict[str, str]) -> Reply:
    return tenant.owner.call("POST", "auth/api-keys/generate/", {"name": name}, headers=headers)


def test_twenty_calls_at_once_of_any_route_do_the_work_once() -> None:
    tenant, key = make_tenant(), fresh()
    owner = tenant.owner
    assert owner.get("auth/api-keys/").status == 200

    replies: list[Reply] = at_once(20, lambda _: make_key(tenant, "once", key))

    made = {reply.body for reply in replies if reply.status == 201}
    assert len(made) == 1
    assert {reply.code for reply in replies if reply.status != 201} <= {"idempotency_in_progress"}
    again = make_key(tenant, "once", key)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.body in made
    names = [item["name"] for item in tenant.owner.get("auth/api-keys/").json["items"]]
    assert names.count("once") == 1


def test_a_delete_is_replayed(acme: Tenant) -> None:
    made, key = make_key(acme, "to delete", fresh()), fresh()
    path = f"auth/api-keys/{made.json['id']}/"

    first = acme.owner.call("DELETE", path, headers=key)
    again = acme.owner.call("DELETE", path, headers=key)

    assert (first.status, again.status) == (204, 204)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("dies", ["before the answer is kept", "after"])
def test_a_process_that_dies_has_done_the_work_and_kept_the_answer_or_neither(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    from core.idempotency import services

    real, key, name = services.remember, fresh(), secrets.token_hex(8)

    def remember(*args: object) -> None:
        if dies == "after":
            real(*args)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(services, "remember", remember)
        with pytest.raises(KeyboardInterrupt):
            make_key(acme, name, key)

    names = [item["name"] for item in acme.owner.get("auth/api-keys/?limit=200").json["items"]]
    assert name not in names
    assert make_key(acme, name, key).status == 201


def test_a_fault_undoes_the_work_and_gives_the_key_back(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, name = fresh(), secrets.token_hex(8)
    with monkeypatch.context() as patch:
        patch.setattr("tenants.queries.key_body", lambda *args, **more: 1 / 0)
        failed = make_key(acme, name, key)

    names = [item["name"] for item in acme.owner.get("auth/api-keys/?limit=200").json["items"]]
    retried = make_key(acme, name, key)

    assert failed.status == 500
    assert name not in names
    assert retried.status == 201


def test_fifty_callers_with_one_key_another_body_and_another_tenant() -> None:
    one, two, key = make_tenant(), make_tenant(), fresh()

    def call(number: int) -> Reply:
        tenant, to = (one, "webp") if number % 5 else (two, "webp")
        return tenant.api.convert(to="gif" if number % 5 == 1 else to, headers=key)

    replies: list[Reply] = at_once(50, call)

    jobs = {reply.json["id"] for reply in replies if reply.status == 202}
    refused = {reply.code for reply in replies if reply.status != 202}
    assert len(jobs) == 2
    assert refused <= {"idempotency_in_progress", "idempotency_mismatch"}
    assert (one.api.quota()[1], two.api.quota()[1]) == (1, 1)


def test_who_may_not_do_it_is_not_shown_what_another_was_answered(acme: Tenant) -> None:
    key, wish = fresh(), {"name": "made once"}
    made = acme.owner.call("POST", "auth/api-keys/generate/", wish, headers=key)
    viewer = make_member(acme, "viewer").api

    seen = viewer.call("POST", "auth/api-keys/generate/", wish, headers=key)
    by_key = acme.api.call("POST", "auth/api-keys/generate/", wish, headers=key)

    assert made.status == 201
    assert (seen.code, by_key.code) == ("permission_denied", "scope_missing")
    assert made.json["key"].encode() not in seen.body + by_key.body


def test_what_a_person_was_answered_is_theirs(acme: Tenant) -> None:
    key, colleague = fresh(), make_member(acme, "admin").api

    mine = acme.owner.call("POST", "auth/ws-ticket/", {}, headers=key)
    theirs = colleague.call("POST", "auth/ws-ticket/", {}, headers=key)

    assert (mine.status, theirs.code) == (201, "idempotency_mismatch")


def test_a_test_keys_answer_is_no_live_keys(acme: Tenant) -> None:
    key = fresh()

    tried, live = acme.test_api.convert(headers=key), acme.api.convert(headers=key)

    assert (tried.status, live.code) == (202, "idempotency_mismatch")


def test_what_is_kept_is_sealed_and_goes_after_a_day(acme: Tenant) -> None:
    key = fresh()
    made = acme.owner.call("POST", "auth/api-keys/generate/", {"name": "x"}, headers=key)
    with in_tenant(acme.schema):
        rows = IdempotencyRecord.objects.filter(pk=key["Idempotency-Key"])
        kept = bytes(rows.get().body)
        early = forget_old()
        rows.update(created_at=datetime.now(UTC) - timedelta(hours=25))
        late = forget_old()

    assert made.json["key"].encode() not in kept
    assert b"key" not in kept[:5]
    assert (early, late) == (0, 1)


def test_an_answer_that_can_t_be_read_any_more_is_said_to_be_done(acme: Tenant) -> None:
    key = fresh()
    acme.api.convert(headers=key)
    with in_tenant(acme.schema):
        IdempotencyRecord.objects.filter(pk=key["Idempotency-Key"]).update(body=b"sealed otherwise")

    assert acme.api.convert(headers=key).code == "conflict"


def test_the_first_caller_is_sent_what_others_may_have_been_given(acme: Tenant) -> None:
    key = fresh()
    acme.api.convert()  # something that waits before it: the answer tells the place in the queue

    first = acme.api.convert(headers=key)

    assert first.body == acme.api.convert(headers=key).body
