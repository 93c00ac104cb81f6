"""Mailboxes: every message comes out, once, as it was."""

from __future__ import annotations

import contextlib
import csv
import json
import mailbox
import zipfile
from pathlib import Path

import pytest

from conversions.verification import Report, verify
from inspection.detect import detect
from tests.conversions.support import convert

pytestmark = pytest.mark.engine
BOX = Path(__file__).parents[1] / "samples" / "mail" / "python.mbox"
MESSAGES = 10


def judged(result: Path, box: Path = BOX) -> Report:
    """What verification says of a result."""
    code = result.suffix.removeprefix(".")
    return verify(box, "mbox", (result,), code, {}, "mailboxes")


def made(folder: Path, target: str, box: Path = BOX) -> Path:
    """The result of one mailbox."""
    _, result = convert(folder, str(box), "mailboxes", "mbox", target)
    return result.outputs[0]


@pytest.mark.parametrize("target", ["zip", "csv", "json", "txt"])
def test_each_target_passes(target: str, tmp_path: Path) -> None:
    assert judged(made(tmp_path, target)).verdict == "verified"


def test_the_messages_are_files_of_mail(tmp_path: Path) -> None:
    with zipfile.ZipFile(made(tmp_path, "zip")) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path)

    assert len(names) == MESSAGES
    assert names[9] == "00010 Zażółć gęślą jaźń.eml"
    assert all(detect(tmp_path / name, name).format == "eml" for name in names)
    last = (tmp_path / names[9]).read_text()
    assert "\nFrom a line that was quoted" in last
    with contextlib.closing(mailbox.mbox(BOX, create=False)) as library:
        same = [library.get_bytes(key) for key in library.keys()[:9]]
    assert [(tmp_path / name).read_bytes() for name in names[:9]] == same


def test_the_list_has_a_row_for_each(tmp_path: Path) -> None:
    rows = json.loads(made(tmp_path, "json").read_text())

    assert len(rows) == MESSAGES
    assert rows[9]["from"] == "Żółw <a@example.com>"
    assert rows[9]["date"] == "2024-01-30T10:00:00+01:00"
    assert rows[8]["attachments"] == "Test TxtA.txt; Test TxtB.txt"


def test_a_sentence_that_begins_with_from_parts_nothing(tmp_path: Path) -> None:
    box = tmp_path / "a.mbox"
    head = b"From a@b.c Mon Jan  1 10:00:00 2024\r\nFrom: a@b.c\r\nSubject: one\r\n\r\n"
    says = b"We met.\r\n\r\nFrom here on it was 2024\r\nand winter.\r\n"
    says += b"From b Mon Jan 1 2024\r\nx: y\r\n"
    box.write_bytes(head + says + b"\r\n" + head + b"two\r\n")
    folder = tmp_path / "work-of-it"
    folder.mkdir()

    with zipfile.ZipFile(made(folder, "zip", box)) as archive:
        found = [archive.read(name) for name in archive.namelist()]

    assert [one.split(b"\r\n\r\n", 1)[1] for one in found] == [says, b"two\r\n"]


def test_a_lost_message_does_not_pass(tmp_path: Path) -> None:
    for target in ("zip", "csv", "json", "txt"):
        folder = tmp_path / target
        folder.mkdir()
        result = made(folder, target)
        if target == "zip":
            with zipfile.ZipFile(result) as archive:
                kept = [(one, archive.read(one)) for one in archive.namelist()[:-1]]
            with zipfile.ZipFile(result, "w") as archive:
                for name, data in kept:
                    archive.writestr(name, data)
        elif target == "csv":
            with result.open(newline="") as file:
                rows = list(csv.reader(file))
            with result.open("w", newline="") as file:
                csv.writer(file).writerows(rows[:-1])
        elif target == "json":
            result.write_text(json.dumps(json.loads(result.read_text())[:-1]))
        else:
            result.write_text(result.read_text()[: len(result.read_text()) // 2])

        assert judged(result).verdict == "failed", target


def test_a_changed_message_does_not_pass(tmp_path: Path) -> None:
    result = made(tmp_path, "zip")
    with zipfile.ZipFile(result) as archive:
        kept = [(one, archive.read(one)) for one in archive.namelist()]
    with zipfile.ZipFile(result, "w") as archive:
        for name, data in kept:
            archive.writestr(name, data.replace(b"Lyrics", b"Tunes"))

    assert judged(result).verdict == "failed"


@pytest.mark.parametrize(
    "first",
    [b"From a@b.c Mon Jan  1 10:00:00 2024 +0100\n", b"From - Mon Jan 01 10:00:00 2024\r\n"],
)
def test_a_mailbox_is_told_by_its_first_line(first: bytes, tmp_path: Path) -> None:
    file = tmp_path / "Inbox.mbox"
    file.write_bytes(first + b"X-Mozilla-Status: 0001\nFrom: a@b.c\nSubject: x\n\nhello\n")

    assert detect(file, "Inbox.mbox").format == "mbox"
