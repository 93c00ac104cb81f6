"""Known and unknown addresses: the same answer, the same headers, the same time.

Times are compared by the ratio of medians of interleaved calls, so that the machine's speed and
its load cancel out.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from statistics import median

import pytest

from tests.accounts.people import PASSWORD, new_address, verified_person
from tests.client import Api, Reply, somewhere
from tests.product import Product

PAIRS = 40  # interleaved calls of each kind
CLOSE = 0.15  # of the medians; a skipped hash would be 60 % and more
TRIES = 3  # the machine is shared: chance has to strike each time, a real difference does
Call = Callable[[str], Reply]


def log_in(address: str) -> Reply:
    body = {"username": address, "password": "wrong-password-1"}
    return Api(address=somewhere()).post("auth/login/", body)


def reset(address: str) -> Reply:
    return Api(address=somewhere()).post("auth/password/reset/", {"email": address})


def resend(address: str) -> Reply:
    return Api(address=somewhere()).post("auth/verify-email/resend/", {"email": address})


def register(address: str) -> Reply:
    body = {"email": address, "password": PASSWORD}
    return Api(address=somewhere()).post("auth/register/", body)


def timed(call: Call, address: str) -> float:
    started = time.perf_counter()
    call(address)
    return time.perf_counter() - started


def ratio(call: Call, known: list[str], unknown: list[str]) -> float:
    """Median for known addresses over median for unknown ones."""
    both: tuple[list[float], list[float]] = ([], [])
    gc.disable()
    try:
        for number, pair in enumerate(zip(known, unknown, strict=True)):
            for kind in (0, 1) if number % 2 else (1, 0):
                both[kind].append(timed(call, pair[kind]))
    finally:
        gc.enable()
    return median(both[0]) / median(both[1])


@pytest.fixture(scope="module")
def known(running_product: Product) -> list[str]:
    """Addresses of people who have proven them; more than one, since mails to one are counted."""
    return [verified_person(running_product).email for _ in range(PAIRS // 5)]


@pytest.mark.parametrize("call", [log_in, reset, resend, register])
def test_the_answer_tells_nothing(call: Call, known: list[str]) -> None:
    replies = [call(address) for address in (known[0], new_address())]

    for first, second in zip(shapes(replies[0]), shapes(replies[1]), strict=True):
        assert first == second


def shapes(reply: Reply) -> tuple[object, ...]:
    """What an observer can compare: status, names and values of headers, fields of the body."""
    own = ("X-Request-Id", "RateLimit", "Content-Length")
    headers = {name: value for name, value in reply.headers.items() if name not in own}
    fields = sorted(reply.json) if reply.body and isinstance(reply.json, dict) else reply.body
    detail = reply.json.get("detail") if isinstance(fields, list) else None
    return reply.status, headers, fields, detail


@pytest.mark.parametrize("call", [log_in, reset, resend, register])
def test_the_time_tells_nothing(
    call: Call,
    known: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from accounts.services import addresses

    monkeypatch.setattr(addresses, "MAILS_AN_HOUR", 10_000)  # dropped mails are quick for everybody
    for _ in range(4):
        call(known[0]), call(new_address())
    found = []

    for _ in range(TRIES):
        there = [known[number % len(known)] for number in range(PAIRS)]
        found.append(ratio(call, there, [new_address() for _ in there]))
        if abs(found[-1] - 1) <= CLOSE:
            break

    with capsys.disabled():
        print(f"\n  {call.__name__}: known/unknown {found[-1]:.3f}", end=" ")  # noqa: T201
    assert abs(found[-1] - 1) <= CLOSE, found
