"""The staff API: for staff with a second factor alone; figures, tenants, people, mailings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.client import Api
from tests.factories.tenants import (
    Member,
    Tenant,
    make_member,
    make_person,
    make_staff,
    make_tenant,
)
from tests.product import Product
from tests.tenants.test_invitations import mails_to, send_due

BODY = {"plan": "free", "subject": "x", "body": "y", "to": {"user_ids": ["usr_none"]}}
READS = (
    "staff/stats/",
    "staff/analytics/registrations/",
    "staff/analytics/conversions/",
    "staff/tenants/",
    "staff/users/",
    "staff/emails/",
)


@pytest.fixture(scope="module")
def staff(running_product: object) -> Member:
    """Logged in with a second factor."""
    return make_staff()


@pytest.fixture
def team(product: object) -> Tenant:
    """A fresh tenant."""
    return make_tenant()


def routes() -> Sequence[tuple[str, str]]:
    """Method and path of every staff route."""
    from config.api import api

    paths = api.get_openapi_schema()["paths"]
    return [
        (method.upper(), path)
        for path, operations in paths.items()
        if path.startswith("/api/v1/staff/")
        for method in operations
    ]


def test_every_route_is_closed_to_all_but_staff_with_a_second_factor(
    team: Tenant, visitor: Api
) -> None:
    without_factor = make_person(is_staff=True).api

    found = routes()

    assert len(found) >= 14
    for method, path in found:
        address = path.format(tenant_id=team.id, user_id=team.user_id, ticket_id="tkt_none")
        codes = [
            caller.call(method, address, BODY if method == "POST" else None).code
            for caller in (visitor, team.api, team.owner, without_factor)
        ]
        assert codes == [
            "authentication_required",
            "permission_denied",
            "permission_denied",
            "mfa_required",
        ], (method, path, codes)
    assert team.api.get("tenant/").json["status"] == "active"


def test_figures_move_by_what_happens(staff: Member) -> None:
    before = staff.api.get("staff/stats/").json
    tenant = make_tenant(plan="basic")
    tenant.api.convert()
    after = staff.api.get("staff/stats/").json

    assert after["tenants"]["total"] == before["tenants"]["total"] + 1
    assert after["tenants"]["by_plan"]["basic"] == before["tenants"]["by_plan"].get("basic", 0) + 1
    assert after["users"]["total"] == before["users"]["total"] + 1
    assert after["keys"]["active"] == before["keys"]["active"] + 2
    month = (after["conversions"]["this_month"], before["conversions"]["this_month"])
    assert sum(month[0].values()) == sum(month[1].values()) + 1


def test_trends_have_every_day_and_count_what_is_there(staff: Member) -> None:
    today = f"{datetime.now(UTC):%Y-%m-%d}"

    def last(name: str) -> dict[str, int]:
        answer = staff.api.get(f"staff/analytics/{name}/?to={today}").json
        assert len(answer["items"]) == 30
        assert answer["items"][-1]["date"] == today == answer["to"]
        item: dict[str, int] = answer["items"][-1]
        return item

    before = last("registrations"), last("conversions")
    tenant = make_tenant()
    tenant.api.convert()
    job = tenant.api.convert().json["id"]
    tenant.api.post(f"conversions/jobs/{job}/cancel/")
    after = last("registrations"), last("conversions")

    assert after[0]["users"] - before[0]["users"] == 1
    assert after[0]["tenants"] - before[0]["tenants"] == 1
    moved = {
        k: after[1][k] - before[1][k] for k in ("accepted", "completed", "not_charged", "open")
    }
    assert moved == {"accepted": 2, "completed": 0, "not_charged": 1, "open": 1}


@pytest.mark.parametrize(
    "period", ["from=2026-02-01&to=2026-01-01", "from=2000-01-01&to=2026-01-01"]
)
def test_an_odd_period_is_refused(staff: Member, period: str) -> None:
    reply = staff.api.get(f"staff/analytics/registrations/?{period}")

    assert (reply.status, reply.code) == (422, "validation_error")


def test_tenants_are_found_by_name_address_plan_and_state(staff: Member, team: Tenant) -> None:
    def found(query: str) -> list[str]:
        return [item["id"] for item in staff.api.get(f"staff/tenants/?{query}").json["items"]]

    assert found(f"q={team.slug}") == [team.id]
    assert found(f"q={team.username}@example.com") == [team.id]
    assert found(f"q={team.slug}&plan=free") == []
    assert found(f"q={team.slug}&status=suspended") == []
    shown = staff.api.get(f"staff/tenants/{team.id}/").json
    assert (shown["members"], shown["plan"], shown["status"]) == (1, "professional", "active")
    assert staff.api.get("staff/tenants/ten_none/").code == "not_found"


def test_staff_suspends_and_resumes_with_a_reason_of_its_own(staff: Member, team: Tenant) -> None:
    address = f"staff/tenants/{team.id}"

    closed = staff.api.post(f"{address}/suspend/", {"reason": "fraud, says the bank"})
    refused = team.api.get("conversions/jobs/")
    opened = staff.api.post(f"{address}/resume/")

    assert (closed.json["status"], closed.json["suspended_reason"]) == (
        "suspended",
        "fraud, says the bank",
    )
    assert refused.code == "tenant_suspended"
    assert b"fraud" not in refused.body
    assert opened.json["status"] == "active"
    assert team.api.get("conversions/jobs/").status == 200


def test_staff_changes_a_plan_in_force_at_the_next_request(staff: Member, team: Tenant) -> None:
    team.api.get("conversions/jobs/")

    changed = staff.api.post(f"staff/tenants/{team.id}/change-plan/", {"plan": "basic"})
    odd = staff.api.post(f"staff/tenants/{team.id}/change-plan/", {"plan": "gold"})
    own = staff.api.post(
        f"staff/tenants/{team.id}/change-plan/", {"plan": "enterprise", "conversions": 7}
    )

    assert (changed.json["plan"], odd.code, own.json["plan"]) == (
        "basic",
        "validation_error",
        "enterprise",
    )
    assert team.api.get("conversions/quota/").json["conversions"]["limit"] == 7


def test_what_staff_does_is_in_the_tenants_trail(staff: Member, team: Tenant) -> None:
    staff.api.post(f"staff/tenants/{team.id}/suspend/")
    staff.api.post(f"staff/tenants/{team.id}/resume/")
    staff.api.post(f"staff/tenants/{team.id}/change-plan/", {"plan": "basic"})

    entries = team.owner.get("tenant/audit-log/").json["items"]

    by_staff = {item["action"] for item in entries if item["actor"] == staff.user_id}
    assert by_staff == {"tenant.suspended", "tenant.resumed", "plan.changed"}


def test_a_disabled_person_is_out_at_the_next_request(staff: Member, team: Tenant) -> None:
    member = make_member(team)
    before = member.api.get("tenant/").status
    address = f"staff/users/{member.user_id}"

    disabled = staff.api.post(f"{address}/disable/")
    during = member.api.get("tenant/")
    login = Api().post("auth/login/", {"username": member.username, "password": "x"})
    staff.api.post(f"{address}/enable/")

    assert (before, disabled.json["is_active"], during.status) == (200, False, 401)
    assert login.status == 401
    assert member.api.get("tenant/").status == 401  # the old login stays ended
    assert staff.api.post(f"staff/users/{staff.user_id}/disable/").code == "conflict"


def test_people_are_found(staff: Member) -> None:
    person = make_person()

    found = staff.api.get(f"staff/users/?q={person.email}&active=true&staff=false").json["items"]

    assert [(item["id"], item["mfa_enabled"]) for item in found] == [(person.user_id, False)]


def test_a_mailing_reaches_each_address_once(product: Product, staff: Member, team: Tenant) -> None:
    member = make_member(team, "viewer")
    other = make_tenant()
    make_member(other)
    body = {
        "subject": f"News {team.slug}",
        "body": "Hello,\n\nsomething new.\n",
        "to": {"tenant_ids": [team.id]},
    }

    ordered = staff.api.post("staff/emails/", body)
    send_due("staff.send_mailing", ordered.json["id"])

    assert (ordered.status, ordered.json["recipients"], ordered.json["sent"]) == (202, 2, 0)
    for address in (member.email, f"{team.username}@example.com"):
        assert sum(str(body["subject"]) in mail for mail in mails_to(product, address)) == 1
    assert not any(
        str(body["subject"]) in mail for mail in mails_to(product, f"{other.username}@example.com")
    )
    shown = staff.api.get("staff/emails/").json["items"][0]
    assert (shown["sent"], shown["finished_at"] is not None) == (2, True)


def test_a_mailing_that_died_goes_on_with_the_rest(
    product: Product, staff: Member, team: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.core.mail import EmailMessage

    from dispatch.models import Ticket

    for _ in range(3):
        make_member(team)
    body = {"subject": f"Half {team.slug}", "body": "x", "to": {"tenant_ids": [team.id]}}
    mailing = staff.api.post("staff/emails/", body).json["id"]
    send = EmailMessage.send
    sent: list[str] = []

    def dies(self: EmailMessage, *args: object, **kwargs: object) -> int:
        if len(sent) == 2:
            raise ConnectionError("the mail server went away")
        sent.append(self.to[0])
        return int(send(self))

    with monkeypatch.context() as patch:
        patch.setattr(EmailMessage, "send", dies)
        with pytest.raises(ConnectionError):
            send_due("staff.send_mailing", mailing)
    Ticket.objects.filter(ref=mailing).update(state="waiting")  # what the sweep does
    send_due("staff.send_mailing", mailing)

    texts = "".join(mails_to(product, "@"))  # mails over one connection lie in one file
    assert texts.count(f"Subject: Half {team.slug}") == 4


@pytest.mark.parametrize(
    "body",
    [
        {"subject": "x", "body": "y", "to": {}},
        {"subject": "x\ny", "body": "y", "to": {"everyone": True}},
        {"subject": "x", "body": " ", "to": {"everyone": True}},
        {"subject": "x", "body": "y", "to": {"plans": ["no such plan"]}},
    ],
)
def test_a_mailing_without_words_or_people_is_refused(
    staff: Member, body: dict[str, object]
) -> None:
    assert staff.api.post("staff/emails/", body).code == "validation_error"


def test_reads_take_a_constant_number_of_queries(staff: Member, team: Tenant) -> None:
    make_member(team)

    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert staff.api.get(path).status == 200
        return sum("SELECT" in str(query["sql"]) for query in asked)

    few = [queries(f"{path}?limit=1") for path in READS]
    many = [queries(f"{path}?limit=100") for path in READS]

    assert few == many
    assert max(many) <= 8
