"""A key from its making to its end: shown once, changed, rotated, used, leaked (facts 21, 22)."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from core.postgres import dump_schema
from core.tally import client
from tenants import auth, services
from tenants.models import ApiKey, CountedBatch
from tenants.services.count_usage import TALLY
from tenants.terms import KEY_PATTERN, checksum
from tests.client import Api
from tests.factories.tenants import Tenant, make_tenant
from tests.product import Product
from tests.tenants.test_invitations import mails_to, send_due
from tests.threads import at_once


@pytest.fixture(scope="module")
def team(running_product: object) -> Tenant:
    """A tenant of its own."""
    return make_tenant()


def made(tenant: Tenant, **fields: object) -> dict[str, Any]:
    reply = tenant.owner.post("auth/api-keys/generate/", {"name": "made", **fields})
    assert reply.status == 201, reply.body
    answer: dict[str, Any] = reply.json
    return answer


def by(key: dict[str, Any], **more: Any) -> Api:
    return Api(f"Api-Key {key['key']}", **more)


def test_fact_21_a_dump_of_the_database_holds_no_key(team: Tenant) -> None:
    key = made(team)["key"]
    secret = key.partition(".")[2]

    dump = dump_schema("public") + dump_schema(team.schema)

    assert key.partition(".")[0] in dump  # the part that may be shown
    assert secret not in dump
    assert secret[:-6] not in dump


def test_the_published_pattern_is_the_one_that_holds() -> None:
    from core.env import ROOT

    page = (ROOT / "docs/reference/api-keys.md").read_text()

    assert KEY_PATTERN.pattern.strip("^$") in page.replace("\\\n", "")


def test_fact_22_both_keys_work_for_the_overlap_and_then_only_the_new_one(team: Tenant) -> None:
    old = made(team, scopes=["conversions:read"], allowed_ips=["127.0.0.0/8"])

    rotated = team.owner.post(f"auth/api-keys/{old['id']}/rotate/", {"overlap_seconds": 3600})
    new = rotated.json

    assert rotated.status == 201
    assert (new["replaces"], new["scopes"], new["allowed_ips"]) == (
        old["id"],
        ["conversions:read"],
        ["127.0.0.0/8"],
    )
    assert (by(old).get("conversions/jobs/").status, by(new).get("conversions/jobs/").status) == (
        200,
        200,
    )
    assert by(new).convert().code == "scope_missing"
    wider = by(new).post("auth/api-keys/generate/", {"name": "x", "scopes": ["keys:write"]})
    assert wider.status == 403
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=3601)):
        assert by(old).get("conversions/jobs/").code == "key_expired"
        assert by(new).get("conversions/jobs/").status == 200
    shown = team.owner.get(f"auth/api-keys/{old['id']}/").json
    assert shown["replaced_by"] == new["id"]


def test_without_overlap_the_old_key_ends_at_once_and_none_is_rotated_twice(team: Tenant) -> None:
    old = made(team)
    by(old).get("conversions/jobs/")
    address = f"auth/api-keys/{old['id']}/rotate/"

    new = team.owner.post(address, {"overlap_seconds": 0}).json

    assert by(old).get("conversions/jobs/").code == "key_revoked"
    assert by(new).get("conversions/jobs/").status == 200
    assert team.owner.post(address, {}).code == "conflict"
    again = f"auth/api-keys/{new['id']}/rotate/"
    team.owner.post(again, {"overlap_seconds": 60})
    assert team.owner.post(again, {"overlap_seconds": 60}).code == "conflict"


def test_a_key_that_expires_gets_a_successor_that_lives_as_long(team: Tenant) -> None:
    end = datetime.now(UTC) + timedelta(days=10)
    old = made(team, expires_at=end.isoformat())

    with time_machine.travel(end - timedelta(days=1)):
        token = (
            Api()
            .post("auth/login/", {"username": team.username, "password": team.password})
            .json["access"]
        )
        owner = Api(f"Bearer {token}", team.slug)
        new = owner.post(f"auth/api-keys/{old['id']}/rotate/", {"overlap_seconds": 0}).json

    left = datetime.fromisoformat(new["expires_at"]) - (end - timedelta(days=1))
    assert timedelta(days=9, hours=23) < left < timedelta(days=10, minutes=1)


def test_a_change_is_in_force_at_the_next_request_of_every_process(team: Tenant) -> None:
    key = made(team, scopes=["conversions:read"])
    by(key).get("conversions/jobs/")
    remembered = dict(auth.REMEMBERED)
    address = f"auth/api-keys/{key['id']}/"

    changed = team.owner.call("PATCH", address, {"scopes": ["webhooks:read"], "name": "new"})
    auth.REMEMBERED.update(remembered)

    assert (changed.json["name"], changed.json["scopes"]) == ("new", ["webhooks:read"])
    assert by(key).get("conversions/jobs/").code == "scope_missing"
    assert by(key).get("webhooks/endpoints/").status == 200
    soon = datetime.now(UTC) + timedelta(hours=1)
    team.owner.call("PATCH", address, {"expires_at": soon.isoformat()})
    team.owner.call("PATCH", address, {"expires_at": None})
    assert team.owner.get(address).json["expires_at"] is None


@pytest.mark.parametrize(
    ("networks", "address", "fits"),
    [
        (["203.0.113.7"], "203.0.113.7", True),
        (["203.0.113.7"], "203.0.113.8", False),
        (["203.0.113.0/24", "2001:db8::/32"], "203.0.113.200", True),
        (["203.0.113.0/24", "2001:db8::/32"], "2001:db8:1::9", True),
        (["203.0.113.0/24", "2001:db8::/32"], "2001:db9::9", False),
        (["203.0.113.0/24"], "::ffff:203.0.113.9", True),
        (["203.0.113.0/24"], "", False),
        ([], "198.51.100.1", True),
    ],
)
def test_a_key_works_from_its_networks_only(
    team: Tenant,
    networks: list[str],
    address: str,
    fits: bool,  # noqa: FBT001 - a column of the table
) -> None:
    key = made(team, allowed_ips=networks)
    auth.REMEMBERED.clear()

    first, remembered = (seen_from(key, address) for _ in range(2))

    assert first == remembered == ("200" if fits else "permission_denied")


def seen_from(key: dict[str, Any], address: str, **headers: str) -> str:
    """The answer's code for a call that comes from an address."""
    from django.test import Client

    reply = Client(raise_request_exception=False).get(
        "/api/v1/conversions/jobs/",
        headers={"Authorization": f"Api-Key {key['key']}", **headers},
        REMOTE_ADDR=address,
        SERVER_NAME="localhost",
    )
    return "200" if reply.status_code == 200 else str(reply.json()["code"])


def test_forwarded_addresses_count_behind_our_own_proxy_only(
    team: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core import middleware
    from core.env import env

    key = made(team, allowed_ips=["203.0.113.7"])
    forged = {"X-Forwarded-For": "203.0.113.7"}
    without = seen_from(key, "198.51.100.1", **forged)

    site = env().site.model_copy(update={"trust_forwarded": True})
    trusting = env().model_copy(update={"site": site})
    monkeypatch.setattr(middleware, "env", lambda: trusting)
    behind = seen_from(key, "127.0.0.1", **forged)
    chained = seen_from(key, "127.0.0.1", **{"X-Forwarded-For": "203.0.113.7, 198.51.100.1"})

    assert (without, behind, chained) == ("permission_denied", "200", "permission_denied")


def test_odd_networks_are_refused(team: Tenant) -> None:
    body = {"name": "odd", "allowed_ips": ["300.1.1.1"]}

    reply = team.owner.post("auth/api-keys/generate/", body)

    assert (reply.status, reply.json["errors"][0]["field"]) == (422, "allowed_ips")


def usage(tenant: Tenant, key: dict[str, Any], days: int = 30) -> dict[str, Any]:
    reply = tenant.owner.get(f"auth/api-keys/{key['id']}/usage/?days={days}")
    assert reply.status == 200, reply.body
    answer: dict[str, Any] = reply.json
    return answer


def test_usage_is_counted_by_day_and_moves_last_used_at(team: Tenant) -> None:
    key = made(team, scopes=["conversions:read"])
    before = usage(team, key)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with time_machine.travel(yesterday):
        by(key).get("conversions/jobs/")
    by(key).get("conversions/jobs/")
    by(key).convert()  # refused: counted as an error

    waiting = usage(team, key)
    services.write_usage()
    written = usage(team, key, days=7)

    assert (before["requests"], before["last_used_at"], len(before["items"])) == (0, None, 30)
    assert [(i["requests"], i["errors"]) for i in waiting["items"][-2:]] == [(1, 0), (2, 1)]
    assert [(i["requests"], i["errors"]) for i in written["items"][-2:]] == [(1, 0), (2, 1)]
    assert (written["requests"], written["errors"], len(written["items"])) == (3, 1, 7)
    shown = team.owner.get(f"auth/api-keys/{key['id']}/").json
    assert shown["last_used_at"] is not None


def test_a_call_writes_no_usage_itself(team: Tenant) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    key = made(team)
    by(key).get("conversions/jobs/")

    with CaptureQueriesContext(connection) as asked:
        by(key).get("conversions/jobs/")

    texts = [str(query["sql"]) for query in asked]
    assert [text for text in texts if text.startswith(("UPDATE", "INSERT"))] == []


def test_a_batch_that_was_written_is_never_added_twice(team: Tenant) -> None:
    key = made(team)
    by(key).get("conversions/jobs/")
    TALLY.send()
    client().rename(TALLY.key, TALLY.taken)
    client().hset(TALLY.taken, "batch", "batch-of-a-dead-writer")
    services.write_usage()
    # The writer died after its commit, before it could forget the batch.
    client().hset(TALLY.taken, mapping={"batch": "batch-of-a-dead-writer"})
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    client().hset(TALLY.taken, f"n:requests:{key['id']}:{day}", 1)

    services.write_usage()

    assert CountedBatch.objects.filter(pk="batch-of-a-dead-writer").count() == 1
    assert usage(team, key)["requests"] == 1


def test_counts_of_many_threads_are_all_there_and_wait_for_redis(
    team: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from redis.exceptions import ConnectionError as RedisAway

    from core import tally

    key = made(team)

    def count() -> None:
        for _ in range(50):
            services.count_usage.count_call(key_id=key["id"], status=200)

    def away() -> Any:
        raise RedisAway("away")

    threads = [threading.Thread(target=count) for _ in range(8)]
    with monkeypatch.context() as patch:
        patch.setattr(tally, "client", away)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        TALLY.send()

    services.write_usage()
    assert usage(team, key)["requests"] == 400


@pytest.fixture
def leaked(team: Tenant) -> Iterator[dict[str, Any]]:
    """A key that was seen in public; the reporter's allowance is fresh."""
    from django.core.cache import caches

    yield made(team, name="seen in public")
    caches["platform"].clear()


def test_row_22_a_call_that_was_let_in_ends_and_the_next_is_refused(
    team: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conversions import asking

    key = made(team)
    take_file = asking.take_file

    def revoked_meanwhile(*args: Any) -> Any:
        address = f"auth/api-keys/{key['id']}/"
        assert at_once(1, lambda _: team.owner.delete(address).status) == [204]
        return take_file(*args)

    monkeypatch.setattr(asking, "take_file", revoked_meanwhile)
    upload = by(key).convert()

    assert upload.status == 202
    assert by(key).get(f"conversions/jobs/{upload.json['id']}/").code == "key_revoked"
    assert team.owner.get(f"conversions/jobs/{upload.json['id']}/").json["status"] == "pending"


def test_a_leaked_key_is_revoked_and_its_owner_told(
    product: Product, team: Tenant, leaked: dict[str, Any]
) -> None:
    from core.outbox.models import OutboxEvent

    report = {
        "token": leaked["key"],
        "type": "filemill",
        "url": "https://example.com/x",
        "source": "code",
    }
    by(leaked).get("conversions/jobs/")

    first = Api().post("auth/api-keys/leaks/", report)
    second = Api().post("auth/api-keys/leaks/", [report, {"token": "nonsense"}])
    send_due("tenants.send_leak_notice", leaked["id"])

    assert [item["label"] for item in first.json["items"]] == ["true_positive"]
    assert [item["label"] for item in second.json["items"]] == ["true_positive", "false_positive"]
    assert by(leaked).get("conversions/jobs/").code == "key_revoked"
    event = OutboxEvent.objects.get(
        schema_name=team.schema, type="key.revoked", payload__id=leaked["id"]
    )
    assert event.payload["reason"] == "leaked"
    mails = list(mails_to(product, f"{team.username}@example.com"))
    assert sum(leaked["prefix"] in mail for mail in mails) == 1
    assert leaked["key"] not in "".join(mails)


def test_only_the_whole_key_proves_a_leak(leaked: dict[str, Any]) -> None:
    body = f"{leaked['prefix']}.{'a' * 32}"
    guessed = body + checksum(body)

    reply = Api().post("auth/api-keys/leaks/", {"token": guessed})

    assert reply.json["items"][0]["label"] == "false_positive"
    assert by(leaked).get("conversions/jobs/").status == 200


def test_reports_are_throttled(leaked: dict[str, Any]) -> None:
    statuses = [Api().post("auth/api-keys/leaks/", {"token": "nonsense"}).status for _ in range(62)]

    assert (statuses.count(200), statuses[-1]) == (60, 429)


def test_a_keys_text_is_in_no_list_and_no_answer_after_the_first(team: Tenant) -> None:
    key = made(team)
    secret = key["key"].partition(".")[2].encode()

    answers = [
        team.owner.get("auth/api-keys/?limit=200"),
        team.owner.get(f"auth/api-keys/{key['id']}/"),
        team.owner.call("PATCH", f"auth/api-keys/{key['id']}/", {"name": "x"}),
    ]

    assert all(secret not in reply.body for reply in answers)
    assert re.fullmatch(KEY_PATTERN, key["key"])
    assert ApiKey.objects.filter(hashed_key__contains=key["key"]).count() == 0


def test_a_test_key_hands_on_no_live_calls(team: Tenant) -> None:
    live = made(team, scopes=["keys:write"])
    tester = by(made(team, scopes=["keys:write"], test=True))
    wish = {"name": "x", "scopes": ["keys:write"]}

    refused = [
        tester.post("auth/api-keys/generate/", wish),
        tester.post(f"auth/api-keys/{live['id']}/rotate/", {"overlap_seconds": 5}),
        tester.patch(f"auth/api-keys/{live['id']}/", {"name": "mine"}),
    ]

    assert [reply.code for reply in refused] == ["permission_denied"] * 3
    assert tester.post("auth/api-keys/generate/", {**wish, "test": True}).status == 201


def test_a_key_bound_to_networks_hands_on_no_wider_ones(team: Tenant) -> None:
    wish = {"name": "x", "scopes": ["keys:write"]}
    free, own = made(team, **wish), made(team, **wish, allowed_ips=["192.0.2.0/24"])
    bound = by(own, address="192.0.2.7")
    place = f"auth/api-keys/{own['id']}/"

    refused = [
        bound.post("auth/api-keys/generate/", wish),
        bound.post("auth/api-keys/generate/", {**wish, "allowed_ips": ["192.0.0.0/16"]}),
        bound.post("auth/api-keys/generate/", {**wish, "allowed_ips": ["2001:db8::/64"]}),
        bound.post(f"auth/api-keys/{free['id']}/rotate/", {"overlap_seconds": 5}),
        bound.patch(place, {"allowed_ips": []}),
        bound.patch(place, {"allowed_ips": ["192.0.2.0/24", "198.51.100.1"]}),
    ]
    narrower = bound.post("auth/api-keys/generate/", {**wish, "allowed_ips": ["192.0.2.9"]})

    assert [reply.code for reply in refused] == ["permission_denied"] * 6
    assert narrower.status == 201
    assert bound.patch(place, {"allowed_ips": ["192.0.2.7"]}).status == 200
    assert bound.post(f"{place}rotate/", {"overlap_seconds": 0}).status == 201
