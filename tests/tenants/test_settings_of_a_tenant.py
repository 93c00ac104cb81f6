"""What a tenant says of itself and demands: in force at the next request."""

from __future__ import annotations

import pytest

from tests.client import PNG, Api
from tests.factories.tenants import Tenant, make_member, make_tenant


@pytest.fixture
def team(product: object) -> Tenant:
    """A fresh tenant on Professional (results are kept 720 h)."""
    return make_tenant()


def patch(api: Api, **fields: object) -> dict[str, object]:
    reply = api.call("PATCH", "tenant/", fields)
    assert reply.status == 200, reply.body
    answer: dict[str, object] = reply.json
    return answer


def test_every_member_and_key_reads_it_and_few_change_it(team: Tenant) -> None:
    viewer = make_member(team, "viewer")

    assert viewer.api.get("tenant/").json["slug"] == team.slug
    assert team.api.get("tenant/").json["plan"] == "professional"
    assert viewer.api.call("PATCH", "tenant/", {"name": "X"}).code == "permission_denied"
    assert team.api.call("PATCH", "tenant/", {"name": "X"}).code == "scope_missing"


def test_fields_that_are_not_sent_stay(team: Tenant) -> None:
    branding = {"display_name": "Acme Papers", "color": "#00aaFF"}
    patch(team.owner, branding=branding, retention_hours=5)

    changed = patch(team.owner, name="  New   name ")

    assert (changed["name"], changed["branding"], changed["retention_hours"]) == (
        "New name",
        branding,
        5,
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"name": " "},
        {"branding": {"color": "red"}},
        {"branding": {"logo_url": "http://example.com/x.png"}},
        {"branding": {"script": "x"}},
        {"retention_hours": 0},
        {"allowed_formats": []},
        {"allowed_formats": ["../x"]},
    ],
)
def test_odd_values_are_refused(team: Tenant, fields: dict[str, object]) -> None:
    reply = team.owner.call("PATCH", "tenant/", fields)

    assert (reply.status, reply.code) == (422, "validation_error")


def test_only_allowed_formats_are_converted_from_the_next_request_on(team: Tenant) -> None:
    assert team.api.convert(to="webp").status == 202
    patch(team.owner, allowed_formats=["PNG", ".jpg"])

    webp = team.api.convert(to="webp")
    quoted = team.api.upload(
        "conversions/quote/", {"file": ("a.png", PNG)}, {"output_format": "webp"}
    )

    assert (webp.status, webp.code) == (403, "permission_denied")
    assert "webp" in webp.json["detail"]
    assert quoted.code == "permission_denied"
    assert team.api.convert(to="jpg").status == 202
    patch(team.owner, allowed_formats=None)
    assert team.api.convert(to="webp").status == 202


def test_results_are_kept_as_long_as_the_shortest_of_plan_tenant_key_and_job_says(
    team: Tenant,
) -> None:
    from conversions.models import Job
    from core.tenancy import in_tenant

    def kept(api: Api, wish: str = "") -> int:
        fields = {"retention_hours": wish} if wish else {}
        job_id = api.convert("picture.png", PNG, "webp", None, **fields).json["id"]
        with in_tenant(team.schema):
            return Job.objects.get(pk=job_id).retention_hours

    key = team.owner.post("auth/api-keys/generate/", {"name": "short", "retention_hours": 3}).json
    by_plan = kept(team.api)
    patch(team.owner, retention_hours=48)

    assert (by_plan, kept(team.api), kept(team.owner)) == (720, 48, 48)
    assert kept(Api(f"Api-Key {key['key']}")) == 3
    assert kept(team.api, "2") == 2
    assert kept(team.api, "100") == 48


def test_a_tenant_that_wants_a_second_factor_is_closed_to_logins_without(team: Tenant) -> None:
    patch(team.owner, require_mfa=True)

    assert team.owner.get("tenant/").code == "mfa_required"
    assert team.owner.get("tenant/").status == 401
    assert team.owner.post("auth/mfa/totp/").status == 201  # the way out stays open
    assert team.api.get("conversions/jobs/").status == 200  # keys have no second factor
