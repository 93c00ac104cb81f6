"""Line 1, the doors: register, verify, log in, refresh, log out, reset, change; who is known."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from loadtests.access.callers import Reply
from loadtests.access.mails import links_with_token
from loadtests.access.people import Person, newcomer, register, verify
from loadtests.access.stage import Stage

OWN = {"X-Request-Id", "RateLimit", "Content-Length", "Date", "Retry-After"}
PAIRS = 5  # interleaved calls whose times are compared
WORD = "Wrong-enough-77-guess"


def play(stage: Stage) -> None:
    """Every door, and what closes it."""
    person = coming_in(stage)
    names_and_passwords(stage, person)
    tokens(stage, person)
    lost_password(stage, person)
    changed_password(stage, person)
    unknown_stays_unsaid(stage, person)
    sign_in_elsewhere(stage)


def coming_in(stage: Stage) -> Person:
    """Register, verify."""
    person, reply = register(stage)
    tenant = reply.json["tenants"][0]
    stage.check(
        "register makes a person and their tenant on Free",
        holds=(reply.status, tenant["role"], tenant["plan"]) == (201, "owner", "free")
        and reply.json["email"] == person.email,
        seen=reply,
    )
    stage.check("no answer of it tells the password", holds=person.password not in reply.text)
    early = person.log_in()
    stage.check("login works before the address is proven", holds=early.status == 200, seen=early)
    caller = stage.visitor(person.address).bearing(early.json["access"])
    for path, body in (
        ("auth/api-keys/generate/", {"name": "early"}),
        ("tenant/invitations/", {"email": stage.email()}),
    ):
        refused = caller.post(path, body)
        stage.expect(f"{path} waits for the proof", refused, "email_not_verified")
    mail = stage.letters.wait(person.email, "confirm")
    stage.check("the mail has one link that acts", holds=len(links_with_token(mail)) == 1)
    forged = stage.visitor().post("auth/verify-email/", {"token": f"{stage.word()}:x:y"})
    stage.expect("a forged link proves nothing", forged, "validation_error")
    proven = verify(stage, person)
    stage.check("the link proves the address", holds=proven.json.get("email_verified"), seen=proven)
    again = verify(stage, person)
    stage.check("opening it twice does no harm", holds=again.status == 200, seen=again)
    reply = caller.post("auth/api-keys/generate/", {"name": stage.word()})
    stage.check("then keys can be made", holds=reply.status == 201, seen=reply)
    return person


def names_and_passwords(stage: Stage, person: Person) -> None:
    """By address, by user name, however they are written; what is no password."""
    ways = (person.email, person.email.upper(), person.username, person.username.title())
    for way in ways:
        reply = person.log_in(way)
        stage.check(f"login as {way}", holds=reply.status == 200, seen=reply)
    body = {"username": person.username, "password": person.password + "x"}
    wrong = stage.visitor().post("auth/login/", body)
    stage.expect("a wrong password is refused", wrong, "invalid_credentials")
    taken = {"email": stage.email(), "password": stage.password()}
    for name in (person.username, person.username.upper()):
        reply = stage.visitor().post("auth/register/", {**taken, "username": name})
        stage.expect(f"user name {name} is taken", reply, "conflict")
    name = person.username
    weak = ("short-1A", "password1234", "1234567890123", "qwertyuiop12", name, f"{name}1", "a" * 20)
    for guess in (*weak, "x" * 3000):
        wish = {"email": stage.email(), "password": guess, "username": name + "z"}
        reply = stage.visitor().post("auth/register/", wish)
        fields = [item["field"] for item in reply.json.get("errors", [])]
        stage.check(
            f"too weak or too long: {guess[:16]}",
            holds=reply.code == "validation_error" and "password" in fields,
            seen=reply,
        )
    reply = stage.visitor().post(
        "auth/register/", {"email": f"{stage.word()}@", "password": stage.password()}
    )
    stage.expect("what is no address is refused", reply, "validation_error")


def tokens(stage: Stage, person: Person) -> None:
    """Rotation, reuse, logging out."""
    door, pair = stage.visitor(), person.log_in().json
    first = door.post("auth/refresh/", {"refresh": pair["refresh"]})
    stage.check(
        "refresh gives another pair",
        holds=first.status == 200 and first.json["refresh"] != pair["refresh"],
        seen=first,
    )
    caller = door.bearing(first.json["access"])
    stage.check("the new access token works", holds=caller.get("auth/me/").status == 200)
    reused = door.post("auth/refresh/", {"refresh": pair["refresh"]})
    stage.expect("a reused refresh token is refused", reused, "token_expired")
    newest = door.post("auth/refresh/", {"refresh": first.json["refresh"]})
    stage.expect("and its whole family: the newest refresh token", newest, "token_expired")
    stage.expect("and the access token", caller.get("auth/me/"), "token_expired")
    wrong = door.post("auth/refresh/", {"refresh": pair["access"]})
    stage.expect("an access token refreshes nothing", wrong, "invalid_credentials")
    pair = person.log_in().json
    confused = door.bearing(pair["refresh"]).get("auth/me/")
    stage.expect("a refresh token opens nothing", confused, "invalid_credentials")
    out = door.post("auth/logout/", {"refresh": pair["refresh"]})
    stage.check("logout", holds=out.status == 204, seen=out)
    caller = door.bearing(pair["access"])
    stage.expect("after it the access token is dead", caller.get("auth/me/"), "token_expired")
    dead = door.post("auth/refresh/", {"refresh": pair["refresh"]})
    stage.expect("and the refresh token", dead, "token_expired")
    pairs = person.log_in().json
    won = stage.everyone(
        8, lambda _: stage.visitor().post("auth/refresh/", {"refresh": pairs["refresh"]}).status
    )
    stage.check(
        "of eight who refresh at once at most one wins", holds=won.count(200) <= 1, seen=won
    )


def lost_password(stage: Stage, person: Person) -> None:
    """Reset by mail."""
    caller = person.fresh()
    asked = stage.visitor().post("auth/password/reset/", {"email": person.email})
    stage.check("asking for a reset", holds=asked.status == 202, seen=asked)
    token = stage.letters.token(person.email, "set a new password")
    weak = {"token": token, "password": "password1234"}
    stage.expect(
        "a weak password is refused there too",
        stage.visitor().post("auth/password/reset/confirm/", weak),
        "validation_error",
    )
    old, person.password = person.password, stage.password()
    body = {"token": token, "password": person.password}
    done = stage.visitor().post("auth/password/reset/confirm/", body)
    stage.check("the link sets a password", holds=done.status == 204, seen=done)
    stage.expect("logins from before have ended", caller.get("auth/me/"), "token_expired")
    refused = stage.visitor().post("auth/login/", {"username": person.username, "password": old})
    stage.expect("the old password is refused", refused, "invalid_credentials")
    stage.check("the new one is taken", holds=person.log_in().status == 200)
    again = stage.visitor().post("auth/password/reset/confirm/", body)
    stage.expect("the link is good once", again, "validation_error")
    told = stage.letters.wait(person.email, "password was changed")
    stage.check("the owner is told", holds=told)


def changed_password(stage: Stage, person: Person) -> None:
    """Change by the old one."""
    here, there = person.fresh(), person.fresh()
    browser = stage.visitor(person.address)
    names = {"username": person.username, "password": person.password}
    browser.post("auth/session/", names)
    fresh = stage.password()
    wrong = here.post("auth/password/change/", {"current_password": "no", "password": fresh})
    stage.expect("the old password must be right", wrong, "invalid_credentials")
    body = {"current_password": person.password, "password": fresh}
    done = here.post("auth/password/change/", body)
    stage.check("change the password", holds=done.status == 204, seen=done)
    person.password = fresh
    stage.check("this login goes on", holds=here.get("auth/me/").status == 200)
    stage.expect("every other ends: tokens", there.get("auth/me/"), "token_expired")
    ended = browser.get("auth/me/")
    stage.expect("and cookies", ended, "authentication_required", "token_expired")
    login = person.log_in()
    other = stage.visitor().bearing(login.json["access"])
    items = here.get("auth/sessions/").json["items"]
    stage.check("logins are listed, one's own marked", holds=sum(i["current"] for i in items) == 1)
    gone = next(item["id"] for item in items if not item["current"])
    here.delete(f"auth/sessions/{gone}/")
    stage.expect("one is ended from elsewhere", other.get("auth/me/"), "token_expired")


def unknown_stays_unsaid(stage: Stage, person: Person) -> None:
    """Known and unknown addresses: the same answers, the same time."""
    asks: dict[str, Callable[[str], Reply]] = {
        "login": lambda email: stage.visitor().post(
            "auth/login/", {"username": email, "password": WORD}
        ),
        "reset": lambda email: stage.visitor().post("auth/password/reset/", {"email": email}),
        "resend": lambda email: stage.visitor().post("auth/verify-email/resend/", {"email": email}),
        "register": lambda email: stage.visitor().post(
            "auth/register/", {"email": email, "password": f"{stage.password()}"}
        ),
    }
    for name, ask in asks.items():
        known, unknown = ask(person.email), ask(stage.email())
        stage.check(
            f"{name} answers a known and an unknown address alike",
            holds=shape(known) == shape(unknown),
            seen=f"{known} | {unknown}",
        )
    others = [newcomer(stage).email]
    for name in ("login", "reset"):
        ratio = compare(stage, asks[name], [person.email, *others])
        # A hash that is skipped would be 0.4 and less; a busy machine is allowed its noise.
        stage.check(
            f"{name} takes the same time for both (ratio {ratio:.2f})", holds=0.55 < ratio < 1.8
        )


def compare(stage: Stage, ask: Callable[[str], Reply], known: list[str]) -> float:
    """Median time for known addresses over that for unknown ones."""
    took: dict[bool, list[float]] = {True: [], False: []}
    for number in range(PAIRS * 2):
        is_known = number % 2 == 0
        email = known[number // 2 % len(known)] if is_known else stage.email()
        begun = time.perf_counter()
        ask(email)
        took[is_known].append(time.perf_counter() - begun)
    return median(took[True]) / median(took[False])


def shape(reply: Reply) -> object:
    """What an observer can compare: status, headers, the body's fields, a problem's words."""
    body = reply.json
    names = sorted(name for name in reply.headers if name.title() not in map(str.title, OWN))
    words = [body.get(name) for name in ("code", "title", "detail", "errors")]
    return reply.status, names, sorted(body), words


def sign_in_elsewhere(stage: Stage) -> None:
    """OpenID Connect, as far as a product without a provider shows it."""
    door = stage.visitor()
    listed = door.get("auth/oidc/")
    stage.check("sign-in providers are listed", holds=listed.status == 200, seen=listed)
    stage.expect(
        "one that is not there is not found", door.get(f"auth/oidc/{stage.word()}/start/"), 404
    )
    back = door.get(f"auth/oidc/{stage.word()}/callback/?state=a&code=b")
    stage.check(
        "coming back without having gone is refused", holds=400 <= back.status < 500, seen=back
    )
    stage.note("a whole sign-in runs against a local provider in tests/accounts/test_openid.py")
