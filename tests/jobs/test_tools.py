"""Every tool through the API with real engines: the answer, the report, the bytes."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from conversions.models import Job
from conversions.services import run_job
from conversions.tools.registry import BY_SLUG, TOOLS
from core.tenancy import in_tenant
from tests.client import Api, Reply
from tests.conversions.support import sample
from tests.factories.jobs import ticket_of
from tests.factories.tenants import Tenant

pytestmark = pytest.mark.engine

SLUGS = [
    *(
        "pdf-to-docx",
        "docx-to-pdf",
        "xlsx-to-pdf",
        "pptx-to-pdf",
    ),
    *(
        "image-to-pdf",
        "merge-pdf",
        "split-pdf",
        "compress-pdf",
    ),
    *(
        "rotate-pdf",
        "protect-pdf",
        "unlock-pdf",
        "watermark-pdf",
    ),
    *(
        "pdf-to-images",
        "ocr-pdf",
        "extract-text",
        "compress-image",
    ),
    *(
        "convert-image",
        "edit-image",
        "remove-metadata",
        "compress-video",
    ),
    *(
        "trim-video",
        "extract-audio",
        "thumbnail",
        "create-archive",
    ),
    *("extract-archive",),
]
PAPER, OUTLINE = "pdf/multi-page.pdf", "pdf/outline-3-pages.pdf"
SCAN, PHOTO = "pdf/scanned-image-only.pdf", "image/gps-exif.jpg"
FILM = "video/ten-seconds.mp4"

# slug, files, form fields, number of results, output format
CASES: list[tuple[str, list[str], dict[str, str], int, str]] = [
    ("pdf-to-docx", [PAPER], {}, 1, "docx"),
    ("docx-to-pdf", ["docx/header-footer.docx"], {}, 1, "pdf"),
    ("xlsx-to-pdf", ["xlsx/table-with-title.xlsx"], {}, 1, "pdf"),
    ("pptx-to-pdf", ["pptx/comments.pptx"], {}, 1, "pdf"),
    ("image-to-pdf", [PHOTO], {}, 1, "pdf"),
    ("image-to-pdf", [PHOTO, "image/alpha.png"], {}, 1, "pdf"),
    ("merge-pdf", [OUTLINE, PHOTO, "docx/header-footer.docx"], {}, 1, "pdf"),
    ("split-pdf", [PAPER], {}, 5, "pdf"),
    ("split-pdf", [PAPER], {"options": '{"mode": "ranges", "ranges": "1-2,3-5"}'}, 2, "pdf"),
    ("split-pdf", [OUTLINE], {"mode": "bookmarks"}, 2, "pdf"),
    ("compress-pdf", [SCAN], {"level": "high"}, 1, "pdf"),
    ("rotate-pdf", [PAPER], {"options": '{"angle": "90"}'}, 1, "pdf"),
    ("protect-pdf", [PAPER], {"options": '{"password": "geheim"}'}, 1, "pdf"),
    ("unlock-pdf", ["pdf/encrypted.pdf"], {"password": "1234"}, 1, "pdf"),
    ("watermark-pdf", [PAPER], {"text": "Draft"}, 1, "pdf"),
    ("ocr-pdf", [SCAN], {"dpi": "150"}, 1, "pdf"),
    ("extract-text", [PAPER], {}, 1, "txt"),
    ("compress-image", [PHOTO], {"quality": "50"}, 1, "jpg"),
    ("convert-image", [PHOTO], {"output_format": "webp"}, 1, "webp"),
    ("edit-image", [PHOTO], {"rotate": "90", "filter": "sepia", "text": "Grüße"}, 1, "jpg"),
    ("remove-metadata", [PHOTO], {}, 1, "jpg"),
    ("remove-metadata", [PAPER], {}, 1, "pdf"),
    ("remove-metadata", ["audio/speech-en.mp3"], {}, 1, "mp3"),
    ("compress-video", [FILM], {"target_size_mb": "0.15"}, 1, "mp4"),
    ("trim-video", [FILM], {"start": "2", "end": "4"}, 1, "mp4"),
    ("extract-audio", [FILM], {}, 1, "mp3"),
    ("thumbnail", [PHOTO], {"width": "50"}, 1, "jpg"),
    ("thumbnail", [FILM], {}, 1, "jpg"),
    ("create-archive", [PAPER, PHOTO, PHOTO], {}, 1, "zip"),
    ("extract-archive", ["archive/documents.zip"], {}, 9, "files"),
    ("extract-archive", ["archive/small.tar.gz"], {}, 1, "files"),
    ("extract-archive", ["archive/small.7z"], {}, 1, "files"),
]


def send(api: Api, path: str, files: list[str], fields: dict[str, str]) -> Reply:
    """`file` for one, `files` for several."""
    parts = [
        f'--fm\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    name = "files" if len(files) > 1 else "file"
    for file in files:
        path_of = sample(file)
        head = f'--fm\r\nContent-Disposition: form-data; name="{name}"; filename="{path_of.name}"'
        parts.append(f"{head}\r\n\r\n".encode() + path_of.read_bytes() + b"\r\n")
    body = b"".join(parts) + b"--fm--\r\n"
    return api.call("POST", path, body, content_type="multipart/form-data; boundary=fm")


def done(tenant: Tenant, reply: Reply) -> dict[str, Any]:
    """The job after its worker ran."""
    assert reply.status == 202, reply.body
    job_id = reply.json["id"]
    with in_tenant(tenant.schema):
        run_job(ticket_id=ticket_of(job_id))
    body: dict[str, Any] = tenant.api.get(f"conversions/jobs/{job_id}/").json
    return body


def use(tenant: Tenant, slug: str, files: list[str], fields: dict[str, str]) -> dict[str, Any]:
    """A tool, run to its end."""
    listed = tenant.api.get("tools/").json
    if slug in listed["unavailable"]:
        pytest.skip(listed["unavailable"][slug])
    return done(tenant, send(tenant.api, f"tools/{slug}/", files, fields))


def bytes_of(tenant: Tenant, job: dict[str, Any], number: int = 0) -> bytes:
    """A result."""
    return tenant.api.get(f"conversions/jobs/{job['id']}/download/?output={number}").body


def test_every_slug_of_the_contract_is_there(acme: Tenant) -> None:
    assert [tool.slug for tool in TOOLS] == SLUGS

    listed = acme.api.get("tools/").json

    slugs = {item["slug"] for item in listed["items"]} | set(listed["unavailable"])
    assert slugs == set(SLUGS)
    for item in listed["items"]:
        assert item["category"] in ("convert", "compress", "edit", "organise", "extract")
        assert item["inputs"]["formats"], item["slug"]
        assert item["options_schema"]["type"] == "object"
        assert all("description" in one for one in item["options_schema"]["properties"].values())


@pytest.mark.parametrize(("slug", "files", "fields", "count", "target"), CASES)
def test_a_tool_gives_a_verified_result(
    acme: Tenant, slug: str, files: list[str], fields: dict[str, str], count: int, target: str
) -> None:
    job = use(acme, slug, files, fields)

    assert job["status"] == "completed", (job["error"], job["report"])
    assert job["kind"] == f"tool/{slug}"
    assert job["report"]["verdict"] in ("verified", "warnings")
    assert job["output_format"] == target
    assert len(job["outputs"]) == count
    assert len(job["inputs"]) == len(files)
    assert "geheim" not in str(job)
    assert all(bytes_of(acme, job, number) for number in range(count))


def test_every_tool_has_a_case() -> None:
    assert {case[0] for case in CASES} | {"pdf-to-images"} == set(BY_SLUG)


def test_a_protected_pdf_opens_with_its_password_only_and_is_unlocked_again(acme: Tenant) -> None:
    import pypdf

    job = use(acme, "protect-pdf", [PAPER], {"password": "geheim"})
    locked = bytes_of(acme, job)

    reader = pypdf.PdfReader(io.BytesIO(locked))
    assert reader.is_encrypted
    assert not reader.decrypt("wrong")
    assert reader.decrypt("geheim")
    with in_tenant(acme.schema):
        assert Job.objects.get(pk=job["id"]).password_sealed == ""


def test_a_wrong_password_fails_the_job_by_name(acme: Tenant) -> None:
    job = use(acme, "unlock-pdf", ["pdf/encrypted.pdf"], {"password": "wrong"})

    assert (job["status"], job["error"]["code"]) == ("failed", "password_wrong")


def test_a_merged_pdf_keeps_order_and_bookmarks(acme: Tenant) -> None:
    import pypdf

    job = use(acme, "merge-pdf", [PAPER, OUTLINE], {})

    reader = pypdf.PdfReader(io.BytesIO(bytes_of(acme, job)))
    assert len(reader.pages) == 5 + 3
    first = reader.outline[0]
    assert not isinstance(first, list)
    assert (reader.get_destination_page_number(first) or 0) >= 5


def test_an_archive_holds_the_same_bytes_under_the_same_names(acme: Tenant) -> None:
    job = use(acme, "create-archive", [PAPER, PHOTO, PHOTO], {})

    with zipfile.ZipFile(io.BytesIO(bytes_of(acme, job))) as archive:
        assert archive.namelist() == ["multi-page.pdf", "gps-exif.jpg", "gps-exif (2).jpg"]
        assert archive.read("gps-exif.jpg") == sample(PHOTO).read_bytes()


def test_entries_that_leave_the_folder_are_left_out(acme: Tenant) -> None:
    job = use(acme, "extract-archive", ["hostile/slip.zip"], {})

    assert [one["filename"] for one in job["outputs"]] == ["ok.txt"]
    assert job["report"]["verdict"] == "warnings"


def test_a_video_hits_its_size(acme: Tenant) -> None:
    job = use(acme, "compress-video", [FILM], {"target_size_mb": "0.15"})

    assert abs(job["output"]["size"] / 150_000 - 1) <= 0.05


@pytest.mark.parametrize("file", [PAPER, "pdf/form-2-pages.pdf", "pdf/pdfa-1b.pdf"])
def test_a_compressed_pdf_is_never_larger(acme: Tenant, file: str) -> None:
    job = use(acme, "compress-pdf", [file], {"level": "low"})

    assert job["output"]["size"] <= job["input"]["size"]
    assert any(check["name"] == "not_larger" for check in job["report"]["checks"])


@pytest.mark.parametrize(
    ("slug", "files", "fields", "code"),
    [
        ("merge-pdf", [PAPER], {}, "unsupported_conversion"),
        ("split-pdf", [PHOTO], {}, "unsupported_conversion"),
        ("rotate-pdf", [PAPER], {"options": '{"angle": "45"}'}, "validation_error"),
        ("rotate-pdf", [PAPER], {"options": '{"colour": "red"}'}, "validation_error"),
        ("protect-pdf", [PAPER], {}, "validation_error"),
        ("convert-image", [PHOTO], {}, "validation_error"),
        ("trim-video", [FILM], {}, "validation_error"),
        ("no-such-tool", [PAPER], {}, "not_found"),
        ("unlock-pdf", ["pdf/encrypted.pdf"], {"password": ""}, ""),
    ],
)
def test_what_a_tool_does_not_take(
    acme: Tenant, slug: str, files: list[str], fields: dict[str, str], code: str
) -> None:
    reply = send(acme.api, f"tools/{slug}/", files, fields)

    assert reply.code == (code or "202")


@pytest.mark.parametrize(
    ("address", "files", "kind"),
    [
        ("/api/convert/jpg-to-png/", [PHOTO], "convert"),
        ("/api/compress/pdf/", [SCAN], "tool/compress-pdf"),
        ("/api/compress/image/", [PHOTO], "tool/compress-image"),
        ("/api/edit/image/", [PHOTO], "tool/edit-image"),
        ("/api/merge/pdf/", [PAPER, OUTLINE], "tool/merge-pdf"),
        ("/api/split/pdf/", [OUTLINE], "tool/split-pdf"),
        ("/api/extract/text/", [PAPER], "tool/extract-text"),
    ],
)
def test_the_addresses_of_the_first_wish(
    acme: Tenant, address: str, files: list[str], kind: str
) -> None:
    job = done(acme, send(acme.api, address, files, {}))

    assert (job["kind"], job["status"]) == (kind, "completed")


def test_unknown_addresses_beside_them_are_problems(acme: Tenant) -> None:
    assert send(acme.api, "/api/convert/jpg/", [PHOTO], {}).code == "not_found"
    assert send(acme.api, "/api/fly/kite/", [PHOTO], {}).code == "not_found"
