"""Line 9: the activity log and the audit trail."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from loadtests.access.people import Person, guest, member_id, newcomer
from loadtests.access.stage import Stage

TRAIL = "tenant/audit-log/"
LOG = "tenant/activity/"


def play(stage: Stage) -> None:
    """Do things, find them."""
    owner = newcomer(stage)
    key = activity(stage, owner)
    trail(stage, owner)
    filters(stage, owner)
    exports(stage, owner, key)
    closed(stage, owner)


def find(stage: Stage, owner: Person, path: str, **wanted: Any) -> dict[str, Any] | None:
    """The newest row with these values, once it is there."""

    def look() -> dict[str, Any] | None:
        rows = owner.inside().get(f"{path}?limit=200").json["items"]
        return next((row for row in rows if wanted.items() <= row.items()), None)

    return stage.until(look, 10)


def activity(stage: Stage, owner: Person) -> str:
    """Login, create, change, delete, download."""
    made = owner.make_key()
    agent = "=1+1;" + stage.name()
    caller = stage.visitor(owner.address).with_key(made["key"])
    caller.headers["User-Agent"] = agent
    mark = f"req-{stage.name()}"
    job = caller.convert(
        f"{stage.word()}.png",
        stage.picture(),
        "webp",
        params={"wait": 30},
        headers={"X-Request-Id": mark},
    ).json
    caller.get(f"conversions/jobs/{job['id']}/download/")
    preset = caller.post("conversions/presets/", {"name": stage.name(), "steps": STEPS}).json
    caller.patch(f"conversions/presets/{preset['id']}/", {"name": stage.name()})
    caller.delete(f"conversions/presets/{preset['id']}/")
    for action, wanted in (
        ("create", {"target": job["id"], "request_id": mark}),
        ("download", {"target": job["id"]}),
        ("update", {"target": preset["id"]}),
        ("delete", {"target": preset["id"]}),
    ):
        row = find(stage, owner, LOG, action=action, api_key_id=made["id"], **wanted)
        stage.check(
            f"activity knows the {action}: who, from where, with what",
            holds=row and (row["ip"], row["user_agent"]) == (owner.address, agent),
            seen=row,
        )
    refused = caller.get("tenant/members/")
    stage.check("a key without the scope sees no log", holds=refused.code == "scope_missing")
    return str(made["id"])


STEPS = {
    "in": {"operation": "import/upload"},
    "out": {"operation": "convert", "input": "in", "output_format": "webp"},
}


def trail(stage: Stage, owner: Person) -> None:
    """Critical changes, each with its actor; the chain holds."""
    team = owner.inside()
    mark = f"req-{stage.name()}"
    role = team.post(
        "tenant/roles/",
        {"name": stage.name(), "permissions": ["media:read"]},
        headers={"X-Request-Id": mark},
    ).json
    row = find(stage, owner, TRAIL, action="role.created", target=role["id"]) or {}
    stage.check(
        "the trail tells who, from where, in which request",
        holds=(row.get("actor"), row.get("ip"), row.get("request_id"))
        == (owner.id, owner.address, mark),
        seen=row,
    )
    person = guest(stage, owner, "viewer")
    place = f"tenant/members/{member_id(owner, person)}/"
    team.patch(place, {"role": "member"})
    team.delete(place)
    team.patch("tenant/", {"retention_hours": stage.random.randrange(2, 200)})
    key = owner.make_key()
    team.post(f"auth/api-keys/{key['id']}/rotate/", {"overlap_seconds": 60})
    team.delete(f"auth/api-keys/{key['id']}/")
    wanted = {
        *("key.created", "key.rotated", "key.revoked", "role.created", "invitation.created"),
        *("member.joined", "member.role_changed", "member.removed", "tenant.changed"),
    }
    rows = team.get(f"{TRAIL}?limit=200").json["items"]
    seen = {item["action"] for item in rows}
    stage.check("every critical change is in it", holds=wanted <= seen, seen=wanted - seen)
    chain = sorted(rows, key=lambda item: item["sequence"])
    linked = all(b["previous"] == a["seal"] for a, b in pairwise(chain))
    numbers = [item["sequence"] for item in chain]
    stage.check(
        "each entry names the seal before it",
        holds=linked and numbers == list(range(1, len(chain) + 1)),
    )
    verdict = team.get(f"{TRAIL}verify/").json
    stage.check(
        f"verify: {verdict['checked']} entries hold",
        holds=verdict["ok"] and verdict["checked"] >= len(rows) and not verdict["broken"],
        seen=verdict,
    )
    stage.note("a row altered by SQL is found in tests/audit/test_trail.py")


def filters(stage: Stage, owner: Person) -> None:
    """By actor, action, target, time."""
    team = owner.inside()
    rows = team.get(f"{TRAIL}?limit=200").json["items"]
    middle = rows[len(rows) // 2]
    moment = quote(middle["created_at"])
    wishes: tuple[tuple[str, Callable[[dict[str, Any]], bool]], ...] = (
        ("action=key.created", lambda row: row["action"] == "key.created"),
        ("action=member.*", lambda row: row["action"].startswith("member.")),
        (f"actor={owner.id}", lambda row: row["actor"] == owner.id),
        (f"target={middle['target']}", lambda row: row["target"] == middle["target"]),
        (f"from={moment}", lambda row: row["created_at"] >= middle["created_at"]),
        (f"to={moment}", lambda row: row["created_at"] < middle["created_at"]),
    )
    for query, holds in wishes:
        found = {row["id"] for row in team.get(f"{TRAIL}?limit=200&{query}").json["items"]}
        wanted = {row["id"] for row in rows if holds(row)}
        stage.check(
            f"{query}: {len(wanted)} of {len(rows)}",
            holds=found == wanted and wanted,
            seen=len(found),
        )
    later = quote((datetime.now(UTC) + timedelta(hours=1)).isoformat())
    none = team.get(f"{TRAIL}?from={later}").json["items"]
    stage.check("nothing from the future", holds=none == [], seen=none)
    pages, cursor = [], ""
    while cursor is not None:
        page = team.get(f"{TRAIL}?limit=3{cursor and '&cursor=' + quote(cursor)}").json
        pages += [row["id"] for row in page["items"]]
        cursor = page["next"]
    stage.check(
        "page by page it is the same", holds=pages[-len(rows) :] == [row["id"] for row in rows]
    )


def exports(stage: Stage, owner: Person, key_id: str) -> None:
    """CSV and JSON of both."""
    team = owner.inside()
    for path in (TRAIL, LOG):
        rows = json.loads(team.get(f"{path}export/?format=json").body)
        text = team.get(f"{path}export/?format=csv")
        table = list(csv.DictReader(io.StringIO(text.text)))
        listed = team.get(f"{path}?limit=200").json["items"]
        known = {row["id"] for row in listed}
        stage.check(
            f"{path}export/: {len(table)} rows in CSV and JSON, those of the list",
            holds=known <= {row["id"] for row in table} and known <= {row["id"] for row in rows},
            seen=(len(rows), len(table), len(known)),
        )
        stage.check("sent as a file", holds="attachment" in text.headers["Content-Disposition"])
    agents = [row["user_agent"] for row in table if row["api_key_id"] == key_id]
    stage.check(
        "what looks like a formula is text in it",
        holds=agents and not any(agent.startswith("=") for agent in agents),
        seen=agents[:1],
    )
    some = json.loads(team.get(f"{TRAIL}export/?format=json&action=key.*").body)
    stage.check(
        "filters hold for files", holds=some and all(r["action"].startswith("key.") for r in some)
    )


def closed(stage: Stage, owner: Person) -> None:
    """Nobody writes; not everybody reads."""
    team = owner.inside()
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        stage.expect(f"{method} {TRAIL}", team.call(method, TRAIL, {}), "method_not_allowed")
    viewer = guest(stage, owner, "viewer").inside()
    for path in (TRAIL, LOG, f"{TRAIL}verify/", f"{TRAIL}export/", f"{LOG}export/"):
        stage.expect(f"a viewer does not read {path}", viewer.get(path), "permission_denied")
