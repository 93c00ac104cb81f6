"""Hostile files, made small: each refers to an address and to a file that it must not reach."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

_OPEN = "http://schemas.openxmlformats.org/"
_RELS = f"{_OPEN}package/2006/relationships"
_R = f"{_OPEN}officeDocument/2006/relationships"
_W = f'xmlns:w="{_OPEN}wordprocessingml/2006/main" xmlns:r="{_R}"'
_TYPES = (
    f'<Types xmlns="{_OPEN}package/2006/content-types"><Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override '
    'PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'wordprocessingml.document.main+xml"/></Types>'
)
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:"
_ODF = " ".join(
    f'xmlns:{short}="{_OFFICE}{name}:1.0"'
    for short, name in (("office", "office"), ("text", "text"), ("table", "table"))
)
_LINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


def packed(parts: Mapping[str, str | bytes]) -> bytes:
    """A ZIP; ``mimetype`` is stored."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in parts.items():
            stored = name == "mimetype"
            archive.writestr(name, body, zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED)
    return made.getvalue()


def docx(body: str, relations: str = "") -> bytes:
    """A Word document of a body and its relations."""
    main = f'<Relationship Id="d" Type="{_R}/officeDocument" Target="word/document.xml"/>'
    return packed(
        {
            "[Content_Types].xml": _TYPES,
            "_rels/.rels": f'<Relationships xmlns="{_RELS}">{main}</Relationships>',
            "word/_rels/document.xml.rels": f'<Relationships xmlns="{_RELS}">{relations}'
            "</Relationships>",
            "word/document.xml": f"<w:document {_W}><w:body>{body}</w:body></w:document>",
        }
    )


def paragraph(text: str) -> str:
    """A paragraph of Word."""
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def _field(code: str) -> str:
    return (
        '<w:p><w:r><w:fldChar w:fldCharType="begin" w:dirty="true"/></w:r><w:r><w:instrText>'
        f'{code}</w:instrText></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>'
    )


def _docx(url: str, secret: Path) -> bytes:
    kinds = (("image", url), ("aFChunk", f"file://{secret}"), ("subDocument", f"file://{secret}"))
    relations = "".join(
        f'<Relationship Id="x{n}" Type="{_R}/{kind}" Target="{target}" TargetMode="External"/>'
        for n, (kind, target) in enumerate(kinds)
    )
    codes = (f"INCLUDETEXT {secret}", f"INCLUDEPICTURE {url}", f"DDEAUTO soffice {secret} 1")
    body = paragraph("VISIBLE") + "".join(map(_field, codes))
    return docx(body + '<w:altChunk r:id="x1"/><w:subDoc r:id="x2"/>', relations)


def _fodt(url: str, secret: Path) -> bytes:
    section = (
        f'<text:section text:name="s"><text:section-source xlink:href="file://{secret}"/>'
        "</text:section>"
    )
    return (
        f'<office:document {_ODF} {_LINK} office:mimetype="application/vnd.oasis.opendocument.text"'
        f' office:version="1.2"><office:body><office:text><text:p>VISIBLE</text:p>{section}'
        "</office:text></office:body></office:document>"
    ).encode()


def _fods(url: str, secret: Path) -> bytes:
    formulas = (f'of:=WEBSERVICE("{url}")', f"of:='file://{secret}'#$Sheet1.A1")
    cells = "".join(
        f'<table:table-cell table:formula="{one.replace(chr(34), "&quot;")}"/>' for one in formulas
    )
    word = '<table:table-cell office:value-type="string"><text:p>VISIBLE</text:p>'
    return (
        f'<office:document {_ODF} xmlns:of="{_OFFICE}of:1.2" office:version="1.2" '
        'office:mimetype="application/vnd.oasis.opendocument.spreadsheet"><office:body>'
        f'<office:spreadsheet><table:table table:name="S"><table:table-row>{word}'
        f"</table:table-cell>{cells}</table:table-row></table:table></office:spreadsheet>"
        "</office:body></office:document>"
    ).encode()


def _html(url: str, secret: Path) -> bytes:
    return (
        f'<html><head><link rel="stylesheet" href="{url}"><style>@import url({url});</style></head>'
        f'<body background="{url}"><p>VISIBLE</p><img src="{url}"><img src="file://{secret}">'
        f'<iframe src="file://{secret}"></iframe><object data="{url}"></object></body></html>'
    ).encode()


def _svg(url: str, secret: Path) -> bytes:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {_LINK} width="60" height="40">'
        f"<style>@import url({url});</style>"
        f'<rect width="30" height="30" fill="red"/><image xlink:href="{url}" width="9" height="9"/>'
        f'<image href="file:///usr/lib/os-release" width="9" height="9"/><use href="{url}#a"/>'
        "</svg>"
    ).encode()


def _rtf(url: str, secret: Path) -> bytes:
    fields = (f'INCLUDETEXT "{secret}"', f'INCLUDEPICTURE "{url}"')
    inner = "".join(f"{{\\field{{\\*\\fldinst {one}}}{{\\fldrslt x}}}}" for one in fields)
    return f"{{\\rtf1 VISIBLE {inner}{{\\*\\template {url}}}}}".encode()


LURES: dict[str, Callable[[str, Path], bytes]] = {
    "docx": _docx,
    "fodt": _fodt,
    "fods": _fods,
    "html": _html,
    "svg": _svg,
    "rtf": _rtf,
    "md": lambda url, secret: f"VISIBLE ![a]({url}) ![b]({secret})\n".encode(),
    "rst": lambda url, secret: (f"VISIBLE\n\n.. include:: {secret}\n\n.. image:: {url}\n").encode(),
    "org": lambda url, secret: f'VISIBLE\n\n#+INCLUDE: "{secret}"\n\n[[{url}]]\n'.encode(),
    "tex": lambda url, secret: f"VISIBLE \\input{{{secret}}} \\include{{{secret}}}\n".encode(),
    "ps": lambda url, secret: (
        f"%!PS\n/Helvetica 20 selectfont 50 500 moveto (VISIBLE) show {{ ({secret}) (r) file "
        "200 string readstring pop 50 400 moveto show } stopped pop showpage\n"
    ).encode(),
}


def bad_tar() -> bytes:
    """One good file among entries that leave the folder, links, devices and twins."""
    made = io.BytesIO()
    kinds = {b"2": "/etc/passwd", b"1": "/etc/passwd"}
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, kind in (
            *(("ok.txt", b"0"), ("/abs.txt", b"0"), ("../up.txt", b"0"), ("a/../../b.txt", b"0")),
            *(("link", b"2"), ("link/through.txt", b"0"), ("hard", b"1"), ("device", b"3")),
            *(("block", b"4"), ("pipe", b"6"), ("twin", b"0"), ("twin", b"0"), ("new\nline", b"0")),
        ):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, kinds.get(kind, "")
            body = f"VISIBLE {name}".encode() if kind == b"0" else b""
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return made.getvalue()


def bad_zip() -> bytes:
    """The same as a ZIP, whose entries know Unix modes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, mode in (
            *(("ok.txt", 0o100644), ("/abs.txt", 0o100644), ("../up.txt", 0o100644)),
            *(("link", 0o120777), ("device", 0o020666), ("block", 0o060666)),
        ):
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, mode << 16
            archive.writestr(entry, "/etc/passwd" if mode == 0o120777 else f"VISIBLE {name}")
    return made.getvalue()


def bad_iso() -> bytes:
    """A disc with a file and a link."""
    import pycdlib

    image, made = pycdlib.PyCdlib(), io.BytesIO()
    image.new(rock_ridge="1.09")
    image.add_fp(io.BytesIO(b"VISIBLE"), 7, "/A.;1", rr_name="ok.txt")
    image.add_symlink("/L.;1", rr_symlink_name="link", rr_path="/etc/passwd")
    image.write_fp(made)
    image.close()
    return made.getvalue()
