"""Roles are data, by the API; nobody grants more than they hold."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.access import PERMISSIONS
from tests.client import Api
from tests.factories.tenants import Member, Tenant, make_member, make_tenant


@pytest.fixture(scope="module")
def team(running_product: object) -> Tenant:
    """A tenant of its own, so that counts hold."""
    return make_tenant()


def made(api: Api, name: str, *permissions: str) -> dict[str, str]:
    reply = api.post("tenant/roles/", {"name": name, "permissions": list(permissions)})
    assert reply.status == 201, reply.body
    role: dict[str, str] = reply.json
    return role


def test_every_tenant_starts_with_the_built_in_roles(team: Tenant) -> None:
    roles = {r["name"]: r for r in team.owner.get("tenant/roles/").json["items"] if r["builtin"]}

    assert set(roles) == {"owner", "admin", "billing", "developer", "member", "viewer"}
    assert set(roles["owner"]["permissions"]) == set(PERMISSIONS)
    assert set(roles["admin"]["permissions"]) == set(PERMISSIONS) - {"billing:write"}
    assert roles["owner"]["members"] == 1


def test_the_vocabulary_is_told_with_what_the_caller_has_of_it(team: Tenant) -> None:
    viewer = make_member(team, "viewer")

    words = {
        item["code"]: item["held"] for item in viewer.api.get("tenant/permissions/").json["items"]
    }

    assert set(words) == set(PERMISSIONS)
    assert {code for code, held in words.items() if held} == {
        *("conversions:read", "media:read", "webhooks:read", "notifications:read")
    }


def test_a_role_made_by_the_api_is_in_force_at_the_next_request(team: Tenant) -> None:
    role = made(team.owner, "Auditor", "audit:read", "members:read")
    member = make_member(team, "viewer")
    before = member.api.get("tenant/members/")

    changed = team.owner.call("PATCH", f"tenant/members/{member.id}/", {"role": "Auditor"})

    assert (before.code, changed.json["role_id"]) == ("permission_denied", role["id"])
    assert member.api.get("tenant/members/").status == 200
    assert member.api.get("conversions/jobs/").code == "permission_denied"


def test_a_changed_role_changes_its_members_at_once(team: Tenant) -> None:
    role = made(team.owner, "Reader", "conversions:read")
    member = make_member(team, "viewer")
    team.owner.call("PATCH", f"tenant/members/{member.id}/", {"role": role["id"]})
    before = member.api.convert().code

    body = {"permissions": ["conversions:read", "conversions:write"], "name": "Worker"}
    changed = team.owner.call("PATCH", f"tenant/roles/{role['id']}/", body)

    assert before == "permission_denied"
    assert (changed.json["name"], changed.json["members"]) == ("Worker", 1)
    assert member.api.convert().status == 202


def test_a_word_outside_of_the_vocabulary_is_refused(team: Tenant) -> None:
    reply = team.owner.post("tenant/roles/", {"name": "Odd", "permissions": ["moon:write"]})

    assert (reply.status, reply.code) == (422, "validation_error")
    assert "moon:write" in reply.json["detail"]


def test_two_roles_of_one_tenant_differ_in_name_and_built_in_ones_stay(team: Tenant) -> None:
    made(team.owner, "Twin", "media:read")
    owner = next(r for r in team.owner.get("tenant/roles/").json["items"] if r["name"] == "owner")
    address = f"tenant/roles/{owner['id']}/"

    twin = team.owner.post("tenant/roles/", {"name": "twin", "permissions": []})

    assert twin.code == "conflict"
    assert team.owner.call("PATCH", address, {"permissions": []}).code == "conflict"
    assert team.owner.delete(address).code == "conflict"


def test_a_role_that_somebody_has_or_is_invited_to_stays(team: Tenant) -> None:
    role = made(team.owner, "Kept", "media:read")
    address = f"tenant/roles/{role['id']}/"
    body = {"email": "kept@example.com", "role": "Kept"}
    invitation = team.owner.post("tenant/invitations/", body).json["id"]
    while_invited = team.owner.delete(address).code
    team.owner.delete(f"tenant/invitations/{invitation}/")
    member = make_member(team, "Kept")
    while_held = team.owner.delete(address).code
    team.owner.delete(f"tenant/members/{member.id}/")

    gone = team.owner.delete(address)

    assert (while_invited, while_held, gone.status) == ("conflict", "conflict", 204)
    assert team.owner.get(address).code == "not_found"


@pytest.fixture
def hand(team: Tenant) -> Member:
    """Somebody who may manage members and nothing else of note."""
    names = {r["name"] for r in team.owner.get("tenant/roles/").json["items"]}
    if "Hand" not in names:
        made(team.owner, "Hand", "members:read", "members:write", "keys:write", "media:read")
    return make_member(team, "Hand")


def test_nobody_grants_more_than_they_hold_by_any_way(team: Tenant, hand: Member) -> None:
    other = make_member(team, "viewer")
    wide = made(team.owner, f"Wide {hand.id}", "billing:write")
    tries = [
        hand.api.post("tenant/roles/", {"name": "Up", "permissions": ["billing:write"]}),
        hand.api.call("PATCH", f"tenant/roles/{wide['id']}/", {"permissions": []}),
        hand.api.call("PATCH", f"tenant/members/{hand.id}/", {"role": "admin"}),
        hand.api.call("PATCH", f"tenant/members/{other.id}/", {"role": "owner"}),
        hand.api.post("tenant/invitations/", {"email": "up@example.com", "role": "admin"}),
        hand.api.post("auth/api-keys/generate/", {"name": "up", "scopes": ["settings:write"]}),
        hand.api.delete(f"tenant/members/{other.id}/"),  # a viewer may what the hand may not
    ]

    assert [reply.code for reply in tries] == ["permission_denied"] * len(tries)
    mine = hand.api.post("tenant/roles/", {"name": f"My {hand.id}", "permissions": ["media:read"]})
    assert mine.status == 201


def test_all_permissions_do_not_make_an_owner(team: Tenant) -> None:
    made(team.owner, "Almost", *PERMISSIONS)
    almost = make_member(team, "Almost")
    owner = next(m for m in team.owner.get("tenant/members/").json["items"] if m["role"] == "owner")

    promote = almost.api.call("PATCH", f"tenant/members/{almost.id}/", {"role": "owner"})
    demote = almost.api.call("PATCH", f"tenant/members/{owner['id']}/", {"role": "viewer"})
    remove = almost.api.delete(f"tenant/members/{owner['id']}/")
    delete = almost.api.call("DELETE", "tenant/", {"name": team.slug})

    assert {promote.code, demote.code, remove.code, delete.code} == {"permission_denied"}


def test_a_key_cannot_rotate_or_change_a_wider_key(team: Tenant) -> None:
    def key(*scopes: str) -> dict[str, str]:
        body = {"name": "k", "scopes": list(scopes)}
        answer: dict[str, str] = team.owner.post("auth/api-keys/generate/", body).json
        return answer

    wide, narrow = key("keys:write", "billing:write"), key("keys:write")
    caller = Api(f"Api-Key {narrow['key']}")

    rotated = caller.post(f"auth/api-keys/{wide['id']}/rotate/", {"overlap_seconds": 0})
    changed = caller.call("PATCH", f"auth/api-keys/{wide['id']}/", {"name": "mine"})

    assert (rotated.code, changed.code) == ("permission_denied", "permission_denied")
    assert caller.post(f"auth/api-keys/{narrow['id']}/rotate/", {}).status == 201


def test_lists_take_a_constant_number_of_queries(team: Tenant) -> None:
    team.owner.get("tenant/members/")

    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert team.owner.get(path).status == 200
        texts = [str(query["sql"]) for query in asked]
        return sum("SELECT" in text and "tenant_identity" not in text for text in texts)

    paths = ("tenant/members/", "tenant/roles/", "tenant/invitations/", "auth/api-keys/")
    few = {path: queries(f"{path}?limit=1") for path in paths}
    many = {path: queries(f"{path}?limit=100") for path in paths}

    assert few == many
    # The login, the membership, the page; for members their second factors too.
    assert list(many.values()) == [4, 3, 3, 3]
