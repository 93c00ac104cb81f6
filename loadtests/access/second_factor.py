"""Line 2: TOTP and recovery codes, where a tenant wants them, and for staff always."""

from __future__ import annotations

import segno

from loadtests.access.callers import Caller
from loadtests.access.people import Person, enter, guest, newcomer
from loadtests.access.stage import Stage, code_of, room_in_step


def play(stage: Stage) -> None:
    """Set up, prove, replay, drift, recover, demand."""
    person = newcomer(stage)
    before = person.fresh()
    secret, codes = set_up(stage, person)
    proving(stage, person, secret)
    recovering(stage, person, codes)
    lowering(stage, person, before)
    demanded_by_tenant(stage)
    demanded_of_staff(stage)


def set_up(stage: Stage, person: Person) -> tuple[str, list[str]]:
    """Secret, QR, confirmation."""
    caller = person.inside()
    offer = caller.post("auth/mfa/totp/").json
    address = offer["otpauth_url"]
    stage.check(
        "the address for the app holds the secret and names us",
        holds=f"secret={offer['secret']}" in address and "issuer=Filemill" in address,
        seen=address,
    )
    drawn = segno.make(address).svg_inline(scale=4)
    stage.check("the QR picture shows that address", holds=offer["qr_svg"] == drawn)
    stage.check("nothing is demanded before it is confirmed", holds=person.log_in().status == 200)
    room_in_step(12)
    wrong = caller.post("auth/mfa/totp/confirm/", {"code": code_of(offer["secret"], -4)})
    stage.expect("two minutes of drift are too many", wrong, "validation_error")
    done = caller.post("auth/mfa/totp/confirm/", {"code": code_of(offer["secret"], -1)})
    codes = done.json.get("recovery_codes", [])
    stage.check(
        "confirmed by the code of 30 s ago (drift); ten recovery codes",
        holds=len(set(codes)) == 10,
        seen=done,
    )
    again = caller.post("auth/mfa/totp/")
    stage.expect("a second one must wait for the first to go", again, "conflict")
    return str(offer["secret"]), list(codes)


def proving(stage: Stage, person: Person, secret: str) -> None:
    """Logging in with it, at both doors."""
    room_in_step(12)
    stage.expect("login asks for the code", person.log_in(), "mfa_required")
    browser = stage.visitor(person.address)
    names = {"username": person.username, "password": person.password}
    cookie = browser.post("auth/session/", names)
    stage.expect("the dashboard's login as well", cookie, "mfa_required")
    wrong = person.log_in(otp="000000" if code_of(secret) != "000000" else "111111")
    stage.expect("a wrong code is refused", wrong, "invalid_credentials")
    now = code_of(secret)
    taken = person.log_in(otp=now)
    stage.check("the code of now is taken", holds=taken.status == 200, seen=taken)
    person.token = taken.json.get("access", person.token)
    stage.expect("the same code again is refused", person.log_in(otp=now), "invalid_credentials")
    replay = browser.post("auth/session/", {**names, "otp": now})
    stage.expect("at the other door too", replay, "invalid_credentials")
    ahead = person.log_in(otp=code_of(secret, 1))
    stage.check("a clock 30 s ahead is tolerated", holds=ahead.status == 200, seen=ahead)
    far = person.log_in(otp=code_of(secret, 4))
    stage.expect("two minutes ahead are not", far, "invalid_credentials")


def recovering(stage: Stage, person: Person, codes: list[str]) -> None:
    """Each code once; new ones end the old."""
    # Wrong codes were counted for the account and this address; recovery comes from elsewhere.
    person.address = stage.address()
    first = person.log_in(otp=codes[0])
    stage.check("a recovery code logs in", holds=first.status == 200, seen=first)
    stage.expect("once", person.log_in(otp=codes[0]), "invalid_credentials")
    spaced = person.log_in(otp=f"{codes[1][:5]}-{codes[1][5:].upper()}")
    stage.check("written with a dash and capitals too", holds=spaced.status == 200, seen=spaced)
    raced = stage.everyone(
        4,
        lambda _: stage.visitor().post(
            "auth/login/",
            {"username": person.username, "password": person.password, "otp": codes[2]},
        ),
    )
    wins = [reply.status for reply in raced].count(200)
    stage.check("of four who use one at once, one gets in", holds=wins == 1, seen=wins)
    caller = stage.visitor(person.address).bearing(first.json["access"])
    renewed = caller.post("auth/mfa/recovery-codes/").json.get("recovery_codes", [])
    stage.check("new codes are ten others", holds=len(set(renewed) - set(codes)) == 10)
    stage.expect("the old ones are worthless", person.log_in(otp=codes[3]), "invalid_credentials")
    enter(person, otp=renewed[0])


def lowering(stage: Stage, person: Person, before: Caller) -> None:
    """Only from a login that has proven it."""
    stage.expect(
        "a login from before can't remove it", before.delete("auth/mfa/totp/"), "mfa_required"
    )
    stage.expect("nor make codes", before.post("auth/mfa/recovery-codes/"), "mfa_required")
    gone = person.inside().delete("auth/mfa/totp/")
    stage.check("one that has proven it can", holds=gone.status == 204, seen=gone)
    plain = person.log_in()
    stage.check("then the password is enough", holds=plain.status == 200, seen=plain)
    stage.letters.wait(person.email, "was removed")


def demanded_by_tenant(stage: Stage) -> None:
    """``require_mfa``: members without one stay outside until they have it; keys go on."""
    owner = newcomer(stage)
    member, key = guest(stage, owner, "member"), owner.keyed()
    secret = owner.inside().post("auth/mfa/totp/").json["secret"]
    owner.inside().post("auth/mfa/totp/confirm/", {"code": code_of(secret)})
    wanted = owner.inside().patch("tenant/", {"require_mfa": True})
    stage.check("an owner demands it of everybody", holds=wanted.json["require_mfa"], seen=wanted)
    stage.check(
        "the owner's login has proven it", holds=owner.inside().get("tenant/").status == 200
    )
    inside = member.inside()
    stage.expect(
        "a member without one is kept out", inside.get("conversions/jobs/"), "mfa_required"
    )
    stage.check("but may look after themselves", holds=inside.get("auth/me/").status == 200)
    stage.check("keys go on", holds=key.get("conversions/jobs/").status == 200)
    secret = inside.post("auth/mfa/totp/").json["secret"]
    inside.post("auth/mfa/totp/confirm/", {"code": code_of(secret)})
    stage.check("set up, they are in", holds=inside.get("conversions/jobs/").status == 200)


def demanded_of_staff(stage: Stage) -> None:
    """Staff routes, the staff's login, the admin site."""
    facts = stage.demo["staff"]
    names = {name: facts[name] for name in ("username", "password")}
    stage.expect(
        "staff can't log in without", stage.visitor().post("auth/login/", names), "mfa_required"
    )
    staff = stage.staff()
    stage.check(
        "with a code they reach the staff API", holds=staff.get("staff/stats/").status == 200
    )
    kept = staff.delete("auth/mfa/totp/")
    stage.expect("they can't take it off", kept, "conflict")
    codes = staff.post("auth/mfa/recovery-codes/").json["recovery_codes"]
    for words, code, status in (("without a code", "", 200), ("with one", codes[0], 302)):
        browser = stage.visitor()
        browser.get("/admin/login/")
        form = {**names, "otp_token": code, "next": "/admin/"}
        form["csrfmiddlewaretoken"] = browser.http.cookies["csrftoken"]
        reply = browser.call("POST", "/admin/login/?next=/admin/", data=form)
        stage.check(f"the admin site's login {words}", holds=reply.status == status, seen=reply)
        entered = browser.get("/admin/").status
        stage.check("and what it opens", holds=entered == (200 if code else 302), seen=entered)
