"""A fast spread of the matrix, and that nothing is offered beyond it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conversions import matrix, offer
from conversions.engines import registry
from tests.conversions.support import SAMPLES

pytestmark = pytest.mark.engine
SPREAD = 24  # pairs


def test_a_spread_of_pairs_still_passes() -> None:
    if not SAMPLES.exists():
        pytest.skip("the samples are not beside this checkout")
    noted = offer.verified()
    pairs = [
        pair
        for pair in matrix.spread(4 * SPREAD)
        if pair.engine in noted.get(f"{pair.source}>{pair.target}", {})
    ]

    done, _ = matrix.run_all(pairs[:SPREAD], matrix.SAMPLES)

    assert done
    assert [one for one in done if one.verdict not in matrix.GOOD] == []


def test_nothing_is_offered_that_was_not_verified() -> None:
    offered = {
        (spec.id, source, target)
        for spec in offer.installed()
        for route in spec.routes
        for source in route.inputs
        for target in route.outputs
    }

    assert offered
    assert all(engine in offer.verified()[f"{a}>{b}"] for engine, a, b in offered)


def test_a_pair_that_is_not_noted_disappears(monkeypatch: pytest.MonkeyPatch) -> None:
    noted = {key: rows for key, rows in offer.verified().items() if key != "png>webp"}
    monkeypatch.setattr(offer, "verified", lambda: noted)

    routes = offer.verified_routes(registry.BY_ID["pillow"])

    assert not [r for r in routes if r.inputs == ("png",) and "webp" in r.outputs]
    assert [r for r in routes if r.inputs == ("png",) and "jpg" in r.outputs]


def test_a_bad_result_is_noted_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 100)

    done, left = matrix.run_all([matrix.Pair("pillow", "png", "webp")], [tmp_path])

    assert left or (done[0].verdict == "failed" and done[0].note)


def test_the_docs_tell_the_same_pairs() -> None:
    text = matrix.DOCS.read_text()

    assert f"{len(offer.verified())} direct pairs" in text
