"""Line 7: the same call sent twice does its work once."""

from __future__ import annotations

from collections import Counter
from typing import Any

from loadtests.access.callers import Caller, Reply
from loadtests.access.people import guest, newcomer
from loadtests.access.stage import Stage

AT_ONCE = 20
STEPS = {
    "in": {"operation": "import/upload"},
    "out": {"operation": "convert", "input": "in", "output_format": "webp"},
}


def play(stage: Stage) -> None:
    """At once, again, otherwise, elsewhere, by others."""
    owner = newcomer(stage)
    key = owner.keyed()
    busy = [a_job_at_once(stage, key), rows_at_once(stage, key)]
    stage.check(
        "whoever comes while the first is under way is told so (409, retryable)",
        holds=any(busy) or bursts(stage, key),
        seen=busy,
    )
    mismatches(stage, key)
    other_verbs(stage, owner.inside())
    others(stage, owner)
    stage.note("keys end after 24 h: tests/core/test_idempotency.py")


def told(replies: list[Reply]) -> tuple[list[Reply], int]:
    """The answers, and how many were asked to wait."""
    waiting = [r for r in replies if r.code == "idempotency_in_progress"]
    assert all(r.json["retryable"] and r.headers["Retry-After"] for r in waiting)
    return [r for r in replies if r not in waiting], len(waiting)


def figures(caller: Caller) -> int:
    """Conversions charged and reserved."""
    found = caller.get("conversions/quota/").json["conversions"]
    return int(found["used"] + found["reserved"])


def a_job_at_once(stage: Stage, key: Caller) -> int:
    """Twenty identical forms, each with a boundary of its own."""
    mark, name, picture = stage.name(), f"{stage.word()}.png", stage.picture()
    before, clients = figures(key), [key.at() for _ in range(AT_ONCE)]
    found = stage.everyone(
        AT_ONCE,
        lambda n: clients[n].convert(name, picture, "webp", headers={"Idempotency-Key": mark}),
    )
    answered, waiting = told(found)
    last = key.convert(name, picture, "webp", headers={"Idempotency-Key": mark})
    bodies = {reply.body for reply in (*answered, last)}
    codes = dict(Counter(reply.code for reply in found))
    stage.check(
        f"{AT_ONCE} identical conversions at once: {codes}, one body",
        holds=len(bodies) == 1 and {r.status for r in answered} == {202},
        seen=[r.text[:80] for r in answered],
    )
    listed = [
        job
        for job in key.get("conversions/jobs/").json["items"]
        if job["input"]["filename"] == name
    ]
    stage.check("one job", holds=len(listed) == 1, seen=len(listed))
    stage.check("one charge", holds=figures(key) == before + 1, seen=(before, figures(key)))
    firsts = [r for r in answered if "Idempotency-Replayed" not in r.headers]
    stage.check(
        "all but the first say that they are replayed", holds=len(firsts) == 1, seen=len(firsts)
    )
    stage.check(
        "with the same Location",
        holds={r.headers["Location"] for r in (*answered, last)} == {firsts[0].headers["Location"]},
    )
    return waiting


def rows_at_once(stage: Stage, key: Caller) -> int:
    """Twenty identical JSON bodies."""
    body, mark = {"name": stage.name(), "steps": STEPS}, stage.name()
    found = post_at_once(stage, key, "conversions/presets/", body, mark)
    answered, waiting = told(found)
    ids = {reply.json.get("id") for reply in answered}
    rows = [
        row
        for row in key.get("conversions/presets/?limit=200").json["items"]
        if row["name"] == body["name"]
    ]
    stage.check(
        "the same by JSON: one row, one body",
        holds=len(ids) == len(rows) == 1 and {r.status for r in answered} == {201},
        seen=[r.text[:80] for r in answered],
    )
    return waiting


def post_at_once(stage: Stage, key: Caller, path: str, body: Any, mark: str) -> list[Reply]:
    """The same call by twenty clients."""
    clients = [key.at() for _ in range(AT_ONCE)]
    return stage.everyone(
        AT_ONCE, lambda n: clients[n].post(path, body, headers={"Idempotency-Key": mark})
    )


def bursts(stage: Stage, key: Caller) -> bool:
    """More of them, until one meets another that is under way."""
    for _ in range(6):
        body = {"name": stage.name(), "steps": STEPS}
        if told(post_at_once(stage, key, "conversions/presets/", body, stage.name()))[1]:
            return True
    return False


def mismatches(stage: Stage, key: Caller) -> None:
    """The same key for something else."""
    mark = {"Idempotency-Key": stage.name()}
    name, picture = f"{stage.word()}.png", stage.picture()
    key.convert(name, picture, "webp", headers=mark)
    for text, reply in (
        ("another file", key.convert(name, stage.picture(), "webp", headers=mark)),
        ("another field", key.convert(name, picture, "jpg", headers=mark)),
        ("another name", key.convert("x" + name, picture, "webp", headers=mark)),
        ("another address", key.post("conversions/presets/", {"name": "x"}, headers=mark)),
    ):
        stage.expect(f"the same key with {text}", reply, "idempotency_mismatch")
    long = key.post("conversions/presets/", {"name": "x"}, headers={"Idempotency-Key": "k" * 300})
    stage.expect("a key of 300 characters", long, "validation_error")
    mark = {"Idempotency-Key": stage.name()}
    bad = [key.post("conversions/presets/", {"name": "x"}, headers=mark) for _ in range(2)]
    stage.check(
        "a refusal is kept and replayed as well",
        holds=bad[0].body == bad[1].body and "Idempotency-Replayed" in bad[1].headers,
        seen=bad[1],
    )


def other_verbs(stage: Stage, caller: Caller) -> None:
    """PATCH and DELETE."""
    made = caller.post("tenant/roles/", {"name": stage.name(), "permissions": ["media:read"]}).json
    place, mark = f"tenant/roles/{made['id']}/", {"Idempotency-Key": stage.name()}
    first = caller.patch(place, {"description": "one"}, headers=mark)
    caller.patch(place, {"description": "two"})
    again = caller.patch(place, {"description": "one"}, headers=mark)
    now = caller.get(place).json["description"]
    stage.check(
        "a PATCH sent again is replayed and changes nothing",
        holds=first.body == again.body and now == "two",
        seen=now,
    )
    mark = {"Idempotency-Key": stage.name()}
    gone = [caller.delete(place, headers=mark) for _ in range(2)]
    stage.check(
        "a DELETE sent again is 204 again",
        holds=[r.status for r in gone] == [204, 204],
        seen=gone[1],
    )


def others(stage: Stage, owner: Any) -> None:
    """Keys are the tenant's; who may not do a thing may not have it replayed."""
    mark = {"Idempotency-Key": stage.name()}
    wish = {"name": stage.name()}
    made = owner.inside().post("auth/api-keys/generate/", wish, headers=mark)
    viewer = guest(stage, owner, "viewer").inside()
    stolen = viewer.post("auth/api-keys/generate/", wish, headers=mark)
    secret = made.json["key"]
    stage.check(
        "a viewer who knows key and body is not shown a secret",
        holds=stolen.code == "permission_denied" and secret not in stolen.text,
        seen=stolen,
    )
    private = {"Idempotency-Key": stage.name()}
    mine = owner.inside().post("auth/ws-ticket/", headers=private)
    theirs = viewer.post("auth/ws-ticket/", headers=private)
    stage.check(
        "nor is another's ticket",
        holds=theirs.json.get("ticket") != mine.json["ticket"],
        seen=theirs,
    )
    stranger = newcomer(stage)
    free = stranger.inside().post("auth/api-keys/generate/", wish, headers=mark)
    stage.check(
        "another tenant has its own keys",
        holds=free.status == 201 and free.json["key"] != secret,
        seen=free,
    )
