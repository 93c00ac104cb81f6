"""What people say about themselves, their picture, their logins."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image, PngImagePlugin

from tests.accounts.people import Person, new_person
from tests.client import Api, Reply
from tests.factories.tenants import Tenant
from tests.product import Product

SIZES = (64, 256, 512)


def put_picture(api: Api, content: bytes, media_type: str = "image/png") -> Reply:
    return api.call("PUT", "auth/me/avatar/", content, content_type=media_type)


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 200), **more: object) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(written, kind, **more)
    return written.getvalue()


def huge_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 100_000, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.fixture
def person() -> Person:
    return new_person(full_name="Ada Lovelace")


def test_the_profile_changes_field_by_field(person: Person) -> None:
    me = person.api()
    changes = {"full_name": "Ada King", "locale": "de-CH", "timezone": "Europe/Zurich"}

    changed = me.patch("auth/me/", changes)

    assert changed.status == 200
    assert changes.items() <= me.get("auth/me/").json.items()
    assert me.get("auth/me/").json["username"] == person.username


def test_the_user_name_changes_unless_it_is_taken(person: Person, acme: Tenant) -> None:
    me, wanted = person.api(), f"{person.username}-2"

    taken = me.patch("auth/me/", {"username": acme.username.upper()})
    free = me.patch("auth/me/", {"username": wanted})
    by_name = Api().post("auth/login/", {"username": wanted, "password": person.password})

    assert (taken.status, taken.code) == (409, "conflict")
    assert (free.json["username"], by_name.status) == (wanted, 200)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "a b"),
        ("username", "ada@example.com"),
        ("locale", "klingon please"),
        ("timezone", "Middle/Earth"),
        ("timezone", "../../etc/passwd"),
        ("email", "nobody at home"),
        ("full_name", "bell\u0007"),
        ("full_name", "x" * 201),
    ],
)
def test_odd_values_are_refused(person: Person, field: str, value: str) -> None:
    reply = person.api().patch("auth/me/", {field: value})

    assert (reply.status, reply.code) == (422, "validation_error")
    assert field in reply.json["errors"][0]["field"]


def test_a_key_reads_its_maker_and_changes_nothing(acme: Tenant) -> None:
    assert acme.api.get("auth/me/").json["username"] == acme.username
    assert acme.api.patch("auth/me/", {"full_name": "x"}).code == "permission_denied"
    assert put_picture(acme.api, picture()).code == "permission_denied"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_is_drawn_anew_in_three_sizes(person: Person, kind: str) -> None:
    put = put_picture(person.api(), picture(kind), f"image/{kind.lower()}")

    assert put.status == 200, put.body
    for size in SIZES:
        shown = Api().get(put.json["avatar"][str(size)])
        with Image.open(io.BytesIO(shown.body)) as image:
            assert (image.size, image.format) == ((size, size), "WEBP")
        assert shown.headers["Content-Type"] == "image/webp"
        assert "immutable" in shown.headers["Cache-Control"]


def test_metadata_does_not_survive(person: Person) -> None:
    exif = Image.Exif()
    exif[0x9286] = "taken at home"
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "taken at home")
    me = person.api()

    for content in (picture("JPEG", exif=exif), picture("PNG", pnginfo=text)):
        assert b"taken at home" in content
        put = put_picture(me, content)
        shown = Api().get(put.json["avatar"]["512"]).body
        assert b"taken at home" not in shown
        assert b"EXIF" not in shown


def test_a_picture_is_turned_as_its_camera_says(person: Person) -> None:
    source = Image.new("RGB", (100, 100), (255, 255, 255))
    source.paste((255, 0, 0), (0, 0, 100, 50))  # red on top
    exif = Image.Exif()
    exif[0x0112] = 3  # held upside down
    written = io.BytesIO()
    source.save(written, "JPEG", exif=exif)

    put = put_picture(person.api(), written.getvalue())

    with Image.open(io.BytesIO(Api().get(put.json["avatar"]["64"]).body)) as image:
        top, bottom = (
            image.convert("RGB").getpixel((32, 4)),
            image.convert("RGB").getpixel((32, 60)),
        )
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[1] > 200
    assert bottom[1] < 60


def test_multipart_is_taken_as_well(person: Person) -> None:
    head = '--fm\r\nContent-Disposition: form-data; name="file"; filename="me.png"\r\n\r\n'
    body = head.encode() + picture() + b"\r\n--fm--\r\n"

    assert put_picture(person.api(), body, "multipart/form-data; boundary=fm").status == 200


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", 415),
        (b"%PDF-1.7 nothing", 415),
        (picture()[:60], 415),
        (b"#!/bin/sh\n", 415),
        (huge_png(60_000, 60_000), 415),
        (picture("BMP"), 415),
        (b"", 422),
        (b"\x89PNG\r\n" + b"\0" * 10_000_001, 413),
    ],
    ids=["svg", "pdf", "cut", "script", "bomb", "bmp", "empty", "large"],
)
def test_hostile_pictures_are_refused(person: Person, content: bytes, code: int) -> None:
    me = person.api()

    reply = put_picture(me, content)

    assert reply.status == code, reply.body
    assert me.get("auth/me/").json["avatar"] is None


def test_a_picture_goes_with_its_files(person: Person, product: Product) -> None:
    me = person.api()
    first = put_picture(me, picture()).json["avatar"]["64"]
    second = put_picture(me, picture()).json["avatar"]["64"]

    gone = Api().get(first)
    dropped = me.delete("auth/me/avatar/")

    assert (gone.code, dropped.status) == ("not_found", 204)
    assert me.get("auth/me/").json["avatar"] is None
    assert Api().get(second).code == "not_found"


@pytest.mark.parametrize("path", ["ava_x/65/", "ava_..%2F..%2Fetc/64/", "..%2F_incoming/64/"])
def test_picture_addresses_lead_nowhere_else(path: str) -> None:
    assert Api().get(f"auth/avatars/{path}").status in (404, 422)


def test_own_logins_are_listed_and_ended_one_by_one(person: Person) -> None:
    here, there = person.api(), person.api()
    rows = here.get("auth/sessions/").json["items"]
    other = next(row for row in rows if not row["current"])

    ended = here.delete(f"auth/sessions/{other['id']}/")

    assert len(rows) == 2
    assert [row["kind"] for row in rows] == ["token", "token"]
    assert ended.status == 204
    assert there.get("auth/me/").code == "token_expired"
    assert here.get("auth/me/").status == 200


def test_logins_of_others_are_not_there(person: Person, acme: Tenant) -> None:
    theirs = acme.owner.get("auth/sessions/").json["items"][0]["id"]

    assert person.api().delete(f"auth/sessions/{theirs}/").code == "not_found"
    assert acme.owner.get("auth/me/").status == 200
