"""PDFs with too many or too large pages are refused at the door, wherever they knock."""

from __future__ import annotations

import io

import pikepdf
import pytest

from tests.factories.tenants import Tenant

pytestmark = pytest.mark.engine

CALLS = {
    "conversions/detect/": {},
    "conversions/quote/": {"output_format": "png"},
    "conversions/convert/": {"output_format": "png"},
    "tools/split-pdf/": {},
}


def pdf(pages: int, side: float = 300, unit: float = 1) -> bytes:
    """Empty pages of one size."""
    document, stream = pikepdf.new(), io.BytesIO()
    for _ in range(pages):
        document.add_blank_page(page_size=(300, 200)).MediaBox = [0, 0, side, 200]
    document.pages[-1].obj["/UserUnit"] = unit
    document.save(stream, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return stream.getvalue()


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize(
    ("content", "limit"),
    [
        (pdf(5_001), "5,000"),
        (pdf(2, side=14_401), "14,400"),
        (pdf(1, side=9_000, unit=2), "14,400"),
    ],
)
def test_a_pdf_over_a_limit_is_refused_by_name(
    acme: Tenant, path: str, content: bytes, limit: str
) -> None:
    reply = acme.api.upload(path, {"file": ("large.pdf", content)}, CALLS[path])

    assert (reply.status, reply.json["code"]) == (422, "limit_exceeded"), reply.body
    assert limit in reply.json["detail"]


def test_a_pdf_at_the_limits_is_taken(acme: Tenant) -> None:
    content = pdf(50, side=14_400)

    reply = acme.api.upload("conversions/detect/", {"file": ("large.pdf", content)}, {})

    assert reply.status == 200, reply.body
    assert reply.json["facts"]["pages"] == 50
