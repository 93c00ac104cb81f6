"""Line 10: nothing of one tenant for another, by any way in; what every answer tells a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from loadtests.access.callers import Caller, Reply
from loadtests.access.mails import text_of
from loadtests.access.people import Person, newcomer
from loadtests.access.stage import Stage
from loadtests.access.tenants import tenant_id

METHODS = ("get", "post", "put", "patch", "delete")
# Parameters that are words of the platform, the same for everyone.
WORDS = {"source", "target", "slug", "provider", "size", "code"}
# Words and signatures, not tenants, decide there.
SIGNED = {"avatar", "token"}
REFUSED = {"not_found", "permission_denied", "scope_missing", "mfa_required"}
STEPS = {
    "in": {"operation": "import/upload"},
    "out": {"operation": "convert", "input": "in", "output_format": "webp"},
}
BODIES: dict[str, dict[str, Any]] = {
    "/api/v1/auth/api-keys/{key_id}/rotate/": {"overlap_seconds": 0},
    "/api/v1/tenant/members/{member_id}/": {"role": "viewer"},
    "/api/v1/conversions/jobs/{job_id}/download-url/": {"expires_in_seconds": 60},
    "/api/v1/staff/tenants/{tenant_id}/change-plan/": {"plan": "free"},
}
PAGES = ("/", "/docs/", "/redoc/", "/problems/not_found/", "/admin/login/", "/nothing/")


def play(stage: Stage) -> None:
    """Walk, mix, look."""
    one, two = newcomer(stage), newcomer(stage)
    ids = things(stage, one)
    lists(stage, two, ids)
    walk(stage, one, two, ids)
    sockets(stage, one, two, ids)
    mixed(stage, one, two)
    sessions(stage, one)
    headers(stage)
    links(stage, one)


def things(stage: Stage, owner: Person) -> dict[str, list[str]]:
    """One of everything that a tenant can have: parameter of a route → ids."""
    team, key = owner.inside(), owner.keyed()
    place = f"staff/tenants/{tenant_id(owner)}/change-plan/"
    stage.staff().post(place, {"plan": "professional"})  # which has batches
    url = stage.demo["webhook_receiver"]["url"]
    endpoint = key.post("webhooks/endpoints/", {"url": url, "events": ["*"]})
    assert endpoint.status == 201, endpoint
    name = f"{stage.word()}.png"
    job = key.convert(name, stage.picture(), "webp", params={"wait": 30}).json["id"]
    fields, picture = {"output_format": "webp"}, stage.picture()
    batch = key.call(
        "POST", "conversions/batch-convert/", files={"files": (name, picture)}, data=fields
    )
    steps = {"steps": json.dumps(STEPS)}
    run = key.call("POST", "conversions/pipelines/", files={"in": (name, picture)}, data=steps)
    preset = key.post("conversions/presets/", {"name": stage.name(), "steps": STEPS})
    role = team.post("tenant/roles/", {"name": stage.name(), "permissions": ["media:read"]})
    asked = team.post("tenant/invitations/", {"email": stage.email(), "role": "viewer"})

    def first(caller: Caller, path: str) -> str | None:
        items = caller.get(path).json["items"]
        return items[0]["id"] if items else None

    delivery = stage.until(lambda: first(key, "webhooks/deliveries/"), 20)
    notice = stage.until(lambda: first(team, "notifications/"), 20)
    made = {
        "job_id": [job, batch.json.get("jobs", [{}])[0].get("id")],
        "batch_id": [batch.json.get("id")],
        "pipeline_id": [run.json.get("id")],
        "preset_id": [preset.json.get("id")],
        "endpoint_id": [endpoint.json["id"]],
        "delivery_id": [delivery],
        "notification_id": [notice],
        "key_id": [first(team, "auth/api-keys/")],
        "session_id": [first(team, "auth/sessions/")],
        "member_id": [first(team, "tenant/members/")],
        "role_id": [role.json.get("id")],
        "invitation_id": [asked.json.get("id")],
        "tenant_id": [team.get("tenant/").json["id"]],
        "user_id": [owner.id],
    }
    lacking = [param for param, found in made.items() if not all(found)]
    stage.check("a tenant with one of everything", holds=not lacking, seen=lacking)
    return {param: [str(i) for i in found if i] for param, found in made.items()}


def routes(stage: Stage) -> Iterator[tuple[str, str]]:
    """Every route of the description."""
    paths: dict[str, Any] = stage.visitor().get("/swagger.json").json["paths"]
    for path, operations in paths.items():
        for method in operations:
            if method in METHODS:
                yield method, path


def callers(stage: Stage, person: Person) -> dict[str, Caller]:
    """The stranger by every way in."""
    browser = stage.visitor(person.address)
    login = browser.post(
        "auth/session/", {"username": person.username, "password": person.password}
    )
    browser.headers["X-CSRFToken"] = login.json["csrf_token"]
    return {
        "key": person.keyed(),
        "test key": person.keyed(test=True),
        "token": person.inside(),
        "session": browser,
    }


def walk(stage: Stage, one: Person, two: Person, ids: dict[str, list[str]]) -> None:
    """Every route with an id, called by another tenant with this tenant's ids."""
    before, calls, walked, leaks, unknown = snapshot(one, ids), 0, set(), [], set()
    strangers = callers(stage, two)
    for method, path in routes(stage):
        names = set(re.findall(r"{(\w+)}", path)) - WORDS - SIGNED
        if not names:
            continue
        if "/staff/" in path:
            names = {"tenant_id"}  # whatever the id, none of it is for customers
        if names - set(ids):
            unknown |= names - set(ids)
            continue
        walked.add((method, path))
        for value in ids[next(iter(names))]:
            url = re.sub(r"{\w+}", value, path)
            body = BODIES.get(path, {}) if method in ("post", "put", "patch") else None
            for name, caller in strangers.items():
                reply = caller.call(method.upper(), url, body)
                calls += 1
                if reply.code not in REFUSED:
                    leaks.append(f"{name}: {reply}")
    stage.check("the walk has an id for every parameter", holds=not unknown, seen=unknown)
    stage.check(
        f"{len(walked)} routes with ids, {calls} foreign calls ({', '.join(strangers)}): refused",
        holds=not leaks,
        seen=leaks[:3],
    )
    stage.check("nothing has changed for their owner", holds=snapshot(one, ids) == before)


def snapshot(owner: Person, ids: dict[str, list[str]]) -> list[str]:
    """What the owner sees of their things."""
    team = owner.inside()
    paths = (
        *(f"conversions/jobs/{job}/" for job in ids["job_id"][:1]),
        *(f"webhooks/endpoints/{endpoint}/" for endpoint in ids["endpoint_id"]),
        *(f"conversions/presets/{preset}/" for preset in ids["preset_id"]),
        *("tenant/", "tenant/members/", "tenant/roles/", "tenant/invitations/", "auth/me/"),
    )
    keys = [
        {name: value for name, value in item.items() if name != "last_used_at"}
        for item in team.get("auth/api-keys/?limit=200").json["items"]
    ]
    return [*(team.get(path).text for path in paths), str(keys)]


def lists(stage: Stage, two: Person, ids: dict[str, list[str]]) -> None:
    """Lists, filters and searches hold only what is one's own."""
    foreign = {value for found in ids.values() for value in found}
    person, key = two.inside(), two.keyed()
    asked, seen = 0, []
    for method, path in routes(stage):
        if method != "get" or "{" in path or "/staff/" in path or path.endswith("/events/"):
            continue
        for caller in (person, key):
            asked += 1
            text = caller.get(path).text
            seen += [f"{path}: {value}" for value in foreign if value in text]
    stage.check(f"{asked} reads without ids show none of theirs", holds=not seen, seen=seen[:3])
    for query in (
        f"conversions/jobs/?batch_id={ids['batch_id'][0]}",
        f"conversions/jobs/?api_key_id={ids['key_id'][0]}",
        f"conversions/jobs/?q={ids['job_id'][0]}",
        f"webhooks/deliveries/?endpoint={ids['endpoint_id'][0]}",
        f"tenant/audit-log/?actor={ids['user_id'][0]}",
        f"tenant/activity/?actor={ids['user_id'][0]}",
        f"auth/me/activity/?actor={ids['user_id'][0]}",
    ):
        reply = person.get(query)
        stage.check(
            f"{query.partition('=')[0]}= with theirs finds nothing",
            holds=reply.json.get("items") == [],
            seen=reply,
        )


def sockets(stage: Stage, one: Person, two: Person, ids: dict[str, list[str]]) -> None:
    """Sockets and streams."""
    job = ids["job_id"][0]
    for path in (f"/ws/jobs/{job}/", "/ws/notifications/"):
        own = one.inside().upgrade(path)
        stage.check(f"{path.split('/')[2]}: the owner's socket opens", holds=own == 101, seen=own)
    status = two.inside().upgrade(f"/ws/jobs/{job}/")
    stage.check("another tenant's does not", holds=status == 403, seen=status)
    status = two.inside(one.slug).upgrade("/ws/notifications/")
    stage.check("nor in a tenant that is not theirs", holds=status == 403, seen=status)
    browser = callers(stage, one)["session"]
    status = browser.upgrade("/ws/notifications/", Origin="https://evil.example")
    stage.check("a cookie opens none from another site", holds=status == 403, seen=status)
    stream = two.inside().get(f"conversions/jobs/{job}/events/")
    stage.expect("a stream of theirs", stream, "not_found")


def mixed(stage: Stage, one: Person, two: Person) -> None:
    """Many calls of both at once over the same pool of connections."""
    people = (one, two)
    clients = [people[n % 2].inside() for n in range(20)]
    marks = [person.slug for person in people]

    def ask(number: int) -> list[str]:
        own, foreign = marks[number % 2], marks[1 - number % 2]
        replies = [
            clients[number].get(path) for path in ("tenant/", "auth/me/", "tenant/members/") * 4
        ]
        tenant = [reply.json["slug"] for reply in replies[::3]]
        return [r.text for r in replies if foreign in r.text] + [s for s in tenant if s != own]

    found = [text for texts in stage.everyone(20, ask) for text in texts]
    stage.check("240 mixed calls, no answer has the other's mark", holds=not found, seen=found[:2])


def sessions(stage: Stage, person: Person) -> None:
    """The dashboard's cookie: flags, CSRF, other sites."""
    browser = stage.visitor(person.address)
    names = {"username": person.username, "password": person.password}
    for name, sent in (
        ("another origin", {"Origin": "https://evil.example"}),
        ("a cross-site form", {"Sec-Fetch-Site": "cross-site"}),
    ):
        reply = browser.post("auth/session/", names, headers=sent)
        stage.expect(f"{name} logs nobody in", reply, "csrf_failed")
    before = dict(browser.http.cookies)
    login = browser.post("auth/session/", names)
    flags = {
        cookie.partition("=")[0]: cookie.lower() for cookie in login.headers.get_list("set-cookie")
    }
    kept = flags["sessionid"]
    secure = urlsplit(stage.demo["base_url"]).scheme != "https" or "secure" in kept
    stage.check(
        "the session's cookie: HttpOnly, SameSite=Lax, Secure under https",
        holds="httponly" in kept and "samesite=lax" in kept and secure,
        seen=kept,
    )
    stage.check("and no domain beyond this host", holds="domain=" not in kept)
    token = login.json["csrf_token"]
    foreign = {"X-CSRFToken": "x" * 64}
    for name, sent in (("without a token", {}), ("with a wrong one", foreign)):
        for method, path in (
            ("POST", "auth/ws-ticket/"),
            ("PATCH", "auth/me/"),
            ("DELETE", "auth/session/"),
        ):
            reply = browser.call(method, path, {}, headers=sent)
            stage.expect(f"{method} {path} {name}", reply, "csrf_failed")
    form = browser.convert("x.png", stage.picture(), "webp", headers={})
    stage.expect("a form as well", form, "csrf_failed")
    given = browser.post("auth/ws-ticket/", headers={"X-CSRFToken": token})
    stage.check("with the right one it works", holds=given.status == 201, seen=given)
    old = browser.http.cookies["sessionid"]
    browser.post("auth/session/", names)
    stage.check(
        "logging in gives a new session",
        holds=browser.http.cookies["sessionid"] != old and not before.get("sessionid"),
    )
    fixed = stage.visitor()
    fixed.http.cookies.set("sessionid", "a" * 32)
    given_back = fixed.post("auth/session/", names).headers.get_list("set-cookie")
    planted = [cookie for cookie in given_back if cookie.startswith(f"sessionid={'a' * 32}")]
    stage.check(
        "a session key that was planted is not taken",
        holds=not planted and any(cookie.startswith("sessionid=") for cookie in given_back),
        seen=given_back,
    )


def headers(stage: Stage) -> None:
    """What browsers are told."""
    visitor = stage.visitor()
    for path in (*PAGES, "/swagger.json", "/api/v1/auth/oidc/"):
        reply = visitor.get(path)
        stage.check(
            f"{path}: secure headers, a strict policy", holds=not faults(reply), seen=faults(reply)
        )
    reply = visitor.get("auth/oidc/")
    stage.check(
        "answers of the API are not stored", holds=reply.headers["Cache-Control"] == "no-store"
    )
    told = visitor.get("auth/oidc/", Origin="https://evil.example").headers
    stage.check("no other site may read them", holds="Access-Control-Allow-Origin" not in told)
    for path in ("start/?next=https://evil.example", "start/?next=//evil.example"):
        away = visitor.get(f"auth/oidc/google/{path}").headers.get("Location", "")
        stage.check(
            f"{path} leads nowhere else", holds=not away.startswith(("https://evil", "//evil"))
        )


def links(stage: Stage, person: Person) -> None:
    """A mail leads to the product, whatever host the one who asked for it has named."""
    evil = f"{stage.word()}.example"
    said = {"X-Forwarded-Host": evil}
    asked = (
        stage.visitor()
        .at(host=evil)
        .post("auth/password/reset/", {"email": person.email}, headers=said)
    )
    if asked.status == 202:
        text = text_of(stage.letters.wait(person.email, "set a new password"))
        told = text.find(stage.demo["base_url"]) >= 0 and evil not in text
        stage.check("a mail's link does not follow the Host header", holds=told, seen=text)
    else:
        stage.expect("another host's name is refused", asked, "malformed_request")


def faults(reply: Reply) -> list[str]:
    """What is missing or weak."""
    wanted = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    found = [name for name, value in wanted.items() if reply.headers.get(name) != value]
    policy = reply.headers.get("Content-Security-Policy", "")
    parts = ("default-src 'self'", "object-src 'none'", "frame-ancestors 'none'", "base-uri 'none'")
    found += [part for part in parts if part not in policy]
    return found + (["unsafe"] if "unsafe" in policy else [])
