"""Uploads that are refused by their headers alone, while the front still sends their bodies."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.conftest import V1, House

pytestmark = pytest.mark.e2e
UPLOADS, AT_ONCE, SIZE = 48, 8, 4_000_000


def test_each_is_told_why_and_the_next_call_is_answered(house: House) -> None:
    def refused(number: int) -> tuple[int, str, int]:
        with httpx.Client(base_url=house.demo["base_url"], trust_env=False, timeout=20) as http:
            upload = http.post(
                f"{V1}/conversions/convert/",
                headers={"Authorization": "Api-Key fm_live_wrong"},
                files={"file": ("a.png", bytes(SIZE))},
                data={"output_format": "webp"},
            )
            return upload.status_code, upload.json()["code"], http.get("/health/").status_code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = Counter(pool.map(refused, range(UPLOADS)))

    assert set(answers) == {(401, "key_invalid", 200)}, answers
