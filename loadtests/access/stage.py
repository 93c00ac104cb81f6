"""What every line of the play shares: people, mails, the staff, values of the seed, the report."""

from __future__ import annotations

import base64
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from django_otp.oath import totp

from loadtests.access.callers import Caller, Reply, Wire
from loadtests.access.mails import Letters

Found = TypeVar("Found")
V1 = "/api/v1"
STEP_S = 30  # of a TOTP code
SYLLABLES = ("ba", "cor", "du", "fen", "gri", "hal", "jo", "kem", "lu", "mor", "nis", "quo", "ta")


class Stage:
    """One run against one product."""

    def __init__(self, demo: dict[str, Any], mails: Path, seed: int) -> None:
        self.demo, self.seed = demo, seed
        self.random = random.Random(seed)  # noqa: S311 - values of a play, no secrets
        self.wire = Wire(demo["base_url"])
        self.letters = Letters(mails)
        self.passed, self.failed = 0, 0
        self.number, self.taken, self.is_whole = "0", 0, False
        self.is_brief = False  # without what takes thousands of calls
        self.people: dict[str, Any] = {}
        self.lock = threading.Lock()

    @contextmanager
    def line(self, number: int, title: str) -> Iterator[None]:
        """One line of the issue; what breaks in it counts as a failed check."""
        self.number, self.taken = str(number), 0
        print(f"\n{number}. {title}", flush=True)
        begun = time.monotonic()
        try:
            yield
        except Exception as error:
            self.check("the line was played to its end", holds=False, seen=repr(error)[:600])
        print(f"    {time.monotonic() - begun:.1f} s", flush=True)

    def check(self, text: str, *, holds: object, seen: object = "") -> bool:
        """Print one check. ``seen`` is shown when it does not hold."""
        self.taken += 1
        place = f"{self.number}.{self.taken}"
        if holds:
            self.passed += 1
            print(f"ok    {place:6} {text}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL  {place:6} {text}   saw: {seen}", flush=True)
        return bool(holds)

    def expect(self, text: str, reply: Reply, *outcomes: int | str) -> Reply:
        """Check that an answer has one of these statuses or problem codes."""
        self.check(text, holds=reply.code in outcomes or reply.status in outcomes, seen=reply)
        return reply

    def note(self, text: str) -> None:
        """A figure, or what was not looked at."""
        print(f"      {self.number:>4}   {text}", flush=True)

    # Values of the seed

    def word(self, syllables: int = 3) -> str:
        """A word that no dictionary has."""
        return "".join(self.random.choice(SYLLABLES) for _ in range(syllables))

    def name(self) -> str:
        """A word with a number: nobody else's."""
        return f"{self.word()}{self.random.randrange(10**6):06d}"

    def password(self) -> str:
        """Strong: four words and two numbers."""
        words = [self.word(2).capitalize() for _ in range(4)]
        return f"{'-'.join(words)}{self.random.randrange(1000):03d}!{self.random.randrange(1000)}"

    def email(self) -> str:
        """An address that nobody has."""
        return f"{self.name()}@{self.word()}.example"

    def address(self) -> str:
        """A loopback address to call from: the front sees it as the caller's own."""
        return ".".join(["127", *(str(self.random.randrange(2, 250)) for _ in range(3))])

    def picture(self, width: int = 24, height: int = 16) -> bytes:
        """A small PNG, its pixels from the seed."""
        from loadtests.access.pictures import png  # noqa: PLC0415 - Pillow takes a moment

        return png(self.random.randbytes(width * height * 3), width, height)

    # People

    def visitor(self, address: str | None = None) -> Caller:
        """Somebody without credentials, from an address of their own."""
        return Caller(self.wire, {}, address or self.address())

    def until(self, look: Callable[[], Found | None], seconds: float = 20) -> Found | None:
        """What ``look`` finds, asked until it finds something or the time is over."""
        deadline = time.monotonic() + seconds
        while True:
            found = look()
            if found or time.monotonic() > deadline:
                return found
            time.sleep(0.05)

    def staff(self) -> Caller:
        """The platform's staff, logged in once with the second factor."""
        if "staff" not in self.people:
            login = self.log_in_staff()
            assert login.status == 200, login
            self.people["staff"] = self.visitor().bearing(login.json["access"])
        found: Caller = self.people["staff"]
        return found

    def log_in_staff(self) -> Reply:
        """A code is good once: if this step's was used, the next one's is tolerated already."""
        facts = self.demo["staff"]
        names = {name: facts[name] for name in ("username", "password")}
        for step in (0, 1):
            body = {**names, "otp": code_of(facts["totp_secret"], step)}
            reply = self.visitor().post("auth/login/", body)
            if reply.status == 200:
                break
        return reply

    def everyone(self, callers: int, call: Callable[[int], Found]) -> list[Found]:
        """What so many threads get at once; they start together."""
        found: list[Found] = []
        start = threading.Barrier(callers)

        def run(number: int) -> None:
            start.wait()
            mine = call(number)
            with self.lock:
                found.append(mine)

        threads = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        return found


def code_of(secret: str, step: int = 0) -> str:
    """The authenticator app's code, some steps of 30 s from now."""
    padded = secret + "=" * (-len(secret) % 8)
    return f"{totp(base64.b32decode(padded), drift=step):06d}"


def room_in_step(seconds: float) -> None:
    """Wait for the next step when this one has less time left."""
    left = STEP_S - time.time() % STEP_S
    if left < seconds:
        time.sleep(left + 0.1)
