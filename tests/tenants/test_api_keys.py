"""API keys: their text, their end, what they may."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.cache import renew_stamps
from tenants import auth
from tenants.models import ApiKey
from tenants.terms import KEY_PATTERN, checksum
from tests.client import Api
from tests.factories.tenants import Tenant, give_role, make_tenant


def made(tenant: Tenant, **fields: object) -> dict[str, str]:
    reply = tenant.owner.post("auth/api-keys/generate/", {"name": "made", **fields})
    assert reply.status == 201, reply.body
    answer: dict[str, str] = reply.json
    return answer


def test_a_key_shows_its_kind_and_carries_a_checksum(acme: Tenant) -> None:
    live, test = made(acme)["key"], made(acme, test=True)["key"]

    assert re.fullmatch(r"fm_live_\w{8}\.\w{38}", live)
    assert re.fullmatch(r"fm_test_\w{8}\.\w{38}", test)
    assert KEY_PATTERN.match(live)
    assert checksum(live[:-6]) == live[-6:]


def test_only_the_hash_of_a_key_is_stored_and_its_text_is_shown_once(acme: Tenant) -> None:
    key = made(acme)

    row = ApiKey.objects.get(pk=key["id"])
    shown = acme.owner.get(f"auth/api-keys/{key['id']}/").json

    secret = key["key"].partition(".")[2]
    assert secret not in str(vars(row))
    assert "key" not in shown
    assert shown["prefix"] == key["prefix"]


@pytest.mark.parametrize("place", [0, 9, 20, -1])
def test_a_mistyped_key_is_refused_without_asking_the_database(acme: Tenant, place: int) -> None:
    letters = list(acme.key)
    letters[place] = "x" if letters[place] != "x" else "y"
    mistyped = Api(f"Api-Key {''.join(letters)}")

    with CaptureQueriesContext(connection) as asked:
        reply = mistyped.get("conversions/jobs/")

    assert (reply.status, reply.code) == (401, "key_invalid")
    assert len(asked) == 0


def test_a_well_formed_key_that_nobody_made_is_refused() -> None:
    body = "fm_live_aaaaaaaa." + "b" * 32

    reply = Api(f"Api-Key {body}{checksum(body)}").get("conversions/jobs/")

    assert (reply.status, reply.code) == (401, "key_invalid")


def test_a_revoked_key_is_refused_at_its_next_request(acme: Tenant) -> None:
    key = made(acme)
    caller = Api(f"Api-Key {key['key']}")
    before = caller.get("conversions/jobs/")

    revoked = acme.owner.delete(f"auth/api-keys/{key['id']}/")
    again = acme.owner.delete(f"auth/api-keys/{key['id']}/")

    assert (before.status, revoked.status, again.status) == (200, 204, 204)
    assert caller.get("conversions/jobs/").code == "key_revoked"
    assert acme.owner.get(f"auth/api-keys/{key['id']}/").json["revoked_at"]


def test_an_expired_key_is_refused(acme: Tenant) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    key = made(acme, expires_at=soon.isoformat())
    caller = Api(f"Api-Key {key['key']}")
    before = caller.get("conversions/jobs/")

    ApiKey.objects.filter(pk=key["id"]).update(expiry_date=datetime.now(UTC))
    renew_stamps([f"key:{key['prefix']}"])

    assert before.status == 200
    assert caller.get("conversions/jobs/").code == "key_expired"


def test_a_key_that_a_process_remembers_ends_with_its_time(acme: Tenant) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    caller = Api(f"Api-Key {made(acme, expires_at=soon.isoformat())['key']}")
    before = caller.get("conversions/jobs/")

    with time_machine.travel(soon + timedelta(seconds=1)):
        after = caller.get("conversions/jobs/")

    assert (before.status, after.code) == (200, "key_expired")


def test_a_key_that_another_process_revoked_is_refused_at_once(acme: Tenant) -> None:
    key = made(acme)
    caller = Api(f"Api-Key {key['key']}")
    caller.get("conversions/jobs/")
    remembered = dict(auth.REMEMBERED)
    acme.owner.delete(f"auth/api-keys/{key['id']}/")

    auth.REMEMBERED.update(remembered)  # this process heard nothing of it

    assert caller.get("conversions/jobs/").code == "key_revoked"


def test_a_key_cannot_be_made_to_expire_in_the_past(acme: Tenant) -> None:
    past = (datetime.now(UTC) - timedelta(days=1)).isoformat()

    reply = acme.owner.post("auth/api-keys/generate/", {"name": "late", "expires_at": past})

    assert (reply.status, reply.code) == (422, "validation_error")


def test_a_key_does_only_what_its_scopes_say(acme: Tenant) -> None:
    reader = Api(f"Api-Key {made(acme, scopes=['conversions:read'])['key']}")

    assert reader.get("conversions/jobs/").status == 200
    assert reader.convert().code == "scope_missing"
    assert reader.get("webhooks/endpoints/").code == "scope_missing"
    assert reader.post("auth/api-keys/generate/", {"name": "more"}).code == "scope_missing"


def test_a_scope_that_does_not_exist_is_refused(acme: Tenant) -> None:
    body = {"name": "odd", "scopes": ["conversions:read", "universe:write"]}

    reply = acme.owner.post("auth/api-keys/generate/", body)

    assert (reply.status, reply.code) == (422, "validation_error")
    assert "universe:write" in reply.json["detail"]


def test_a_key_of_another_tenant_is_not_there(acme: Tenant, globex: Tenant) -> None:
    key = made(acme)

    read = globex.owner.get(f"auth/api-keys/{key['id']}/")
    revoked = globex.owner.delete(f"auth/api-keys/{key['id']}/")
    listed = globex.owner.get("auth/api-keys/?limit=200").json["items"]

    assert (read.code, revoked.code) == ("not_found", "not_found")
    assert key["id"] not in [item["id"] for item in listed]
    assert Api(f"Api-Key {key['key']}").get("conversions/jobs/").status == 200


def test_nobody_grants_more_than_they_hold() -> None:
    tenant = make_tenant()
    owner = tenant.owner
    give_role(tenant, "developer")

    more = owner.post("auth/api-keys/generate/", {"name": "x", "scopes": ["billing:write"]})
    same = owner.post("auth/api-keys/generate/", {"name": "x", "scopes": ["conversions:read"]})

    assert (more.status, more.code) == (403, "permission_denied")
    assert same.status == 201


def test_a_key_grants_no_more_than_the_key_holds(acme: Tenant) -> None:
    narrow = Api(f"Api-Key {made(acme, scopes=['keys:write'])['key']}")

    reply = narrow.post("auth/api-keys/generate/", {"name": "x", "scopes": ["billing:write"]})

    assert (reply.status, reply.code) == (403, "permission_denied")


def test_a_member_without_the_permission_is_refused() -> None:
    tenant = make_tenant()
    owner = tenant.owner
    give_role(tenant, "viewer")

    assert owner.get("conversions/jobs/").status == 200
    assert owner.convert().code == "permission_denied"
    assert owner.post("auth/api-keys/generate/", {"name": "x"}).code == "permission_denied"


def test_a_suspended_tenant_cannot_call() -> None:
    from tenants.models import Tenant as Row

    tenant = make_tenant()
    owner = tenant.owner
    Row.objects.filter(pk=tenant.id).update(suspended_at=datetime.now(UTC))

    assert tenant.api.get("conversions/jobs/").code == "tenant_suspended"
    assert owner.get("conversions/jobs/").code == "tenant_suspended"
