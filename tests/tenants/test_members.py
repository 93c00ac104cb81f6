"""Members: change, remove, leave, hand over; the last owner can't go; removal holds at once."""

from __future__ import annotations

import pytest

from core.outbox.services import relay
from tests.client import Api
from tests.factories.tenants import Tenant, make_member, make_tenant
from tests.threads import at_once


@pytest.fixture
def team(product: object) -> Tenant:
    """A fresh tenant with one owner."""
    return make_tenant()


def own_id(api: Api) -> str:
    """The membership id of the only owner."""
    items = api.get("tenant/members/").json["items"]
    return next(str(item["id"]) for item in items if item["role"] == "owner")


def events_of(tenant: Tenant, type: str) -> list[dict[str, object]]:
    from core.outbox.models import OutboxEvent

    rows = OutboxEvent.objects.filter(schema_name=tenant.schema, type=type)
    return list(rows.values_list("payload", flat=True))


def test_a_member_is_shown_with_role_and_second_factor(team: Tenant) -> None:
    member = make_member(team, "developer")

    shown = team.owner.get(f"tenant/members/{member.id}/").json

    assert (shown["role"], shown["email"], shown["mfa_enabled"]) == (
        "developer",
        member.email,
        False,
    )


def test_a_removed_members_token_stops_at_once_for_this_tenant_only(team: Tenant) -> None:
    from tenants.models import Membership, Role

    other = make_tenant()
    member = make_member(team, "admin")
    Membership.objects.create(
        tenant_id=other.id,
        user_id=member.user_id,
        role=Role.objects.get(tenant_id=other.id, name="viewer"),
    )
    elsewhere = Api(member.api.authorization, other.slug)
    before = member.api.get("tenant/members/").status

    removed = team.owner.delete(f"tenant/members/{member.id}/")

    assert (before, removed.status) == (200, 204)
    assert member.api.get("tenant/members/").code == "permission_denied"
    assert member.api.get("conversions/jobs/").status == 403
    assert elsewhere.get("conversions/jobs/").status == 200
    assert Api(member.api.authorization).get("auth/me/").status == 200
    payload = events_of(team, "member.removed")[0]
    assert (payload["user_id"], payload["role"]) == (member.user_id, "admin")


def test_a_person_in_several_tenants_switches_by_header_and_by_host(team: Tenant) -> None:
    from tenants.models import Membership, Role

    other = make_tenant()
    member = make_member(team)
    Membership.objects.create(
        tenant_id=other.id,
        user_id=member.user_id,
        role=Role.objects.get(tenant_id=other.id, name="viewer"),
    )
    token = member.api.authorization

    by_header = Api(token, other.slug).get("tenant/").json["slug"]
    by_host = Api(token, host=f"{team.slug}.localhost").get("tenant/").json["slug"]
    stranger = Api(token, make_tenant().slug).get("tenant/")

    assert (by_header, by_host, stranger.code) == (other.slug, team.slug, "permission_denied")


def test_the_last_owner_cannot_go_by_any_way(team: Tenant) -> None:
    me = own_id(team.owner)

    replies = [
        team.owner.post("tenant/leave/"),
        team.owner.delete(f"tenant/members/{me}/"),
        team.owner.call("PATCH", f"tenant/members/{me}/", {"role": "admin"}),
    ]

    assert [(reply.status, reply.code) for reply in replies] == [(409, "conflict")] * 3


def test_of_two_owners_who_leave_at_once_one_stays(team: Tenant) -> None:
    second = make_member(team, "owner")
    callers = (team.owner, second.api)

    statuses = at_once(2, lambda i: callers[i].post("tenant/leave/").status)

    assert sorted(statuses) == [204, 409]


def test_a_member_leaves_and_may_not_come_back(team: Tenant) -> None:
    member = make_member(team)

    left = member.api.post("tenant/leave/")

    assert left.status == 204
    assert member.api.get("tenant/").code == "permission_denied"
    assert events_of(team, "member.removed")


def test_a_key_cannot_leave(team: Tenant) -> None:
    assert team.api.post("tenant/leave/").code == "permission_denied"


def test_the_owner_hands_the_tenant_over(team: Tenant) -> None:
    heir = make_member(team, "viewer")

    handed = team.owner.post("tenant/transfer-ownership/", {"member_id": heir.id})
    again = team.owner.post("tenant/transfer-ownership/", {"member_id": heir.id})

    assert (handed.json["role"], again.code) == ("owner", "permission_denied")
    assert team.owner.get("tenant/members/").json["items"][-1]["role"] == "admin"
    assert heir.api.call("PATCH", "tenant/", {"name": "Mine now"}).json["name"] == "Mine now"


def test_a_members_keys_go_with_them_where_that_is_asked(team: Tenant) -> None:
    member = make_member(team, "developer")

    def key() -> Api:
        reply = member.api.post("auth/api-keys/generate/", {"name": "theirs"})
        return Api(f"Api-Key {reply.json['key']}")

    one = key()
    before = one.get("conversions/jobs/").status
    team.owner.delete(f"tenant/members/{member.id}/?revoke_keys=1")

    assert (before, one.get("conversions/jobs/").code) == (200, "key_revoked")


def test_a_key_outlives_its_maker(team: Tenant) -> None:
    member = make_member(team, "developer")
    made = member.api.post("auth/api-keys/generate/", {"name": "theirs"}).json

    team.owner.delete(f"tenant/members/{member.id}/")

    assert Api(f"Api-Key {made['key']}").get("conversions/jobs/").status == 200


def test_another_tenants_member_is_not_there(team: Tenant, globex: Tenant) -> None:
    member = make_member(team)

    replies = [
        globex.owner.get(f"tenant/members/{member.id}/"),
        globex.owner.call("PATCH", f"tenant/members/{member.id}/", {"role": "viewer"}),
        globex.owner.delete(f"tenant/members/{member.id}/"),
        globex.owner.post("tenant/transfer-ownership/", {"member_id": member.id}),
    ]

    assert [reply.code for reply in replies] == ["not_found"] * 4


def test_the_counts_of_a_tenant(team: Tenant) -> None:
    make_member(team, "viewer")
    team.owner.post("tenant/invitations/", {"email": "new@example.com"})
    relay()

    stats = team.owner.get("tenant/stats/").json

    assert stats["members"] == {"total": 2, "by_role": {"owner": 1, "viewer": 1}}
    assert stats["invitations"]["pending"] == 1
    assert (stats["keys"]["active"], stats["keys"]["test"]) == (2, 1)
