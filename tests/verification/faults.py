"""Wrong results that an engine could hand over: each takes (source, good result) and spoils it."""

from __future__ import annotations

import csv
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox import runner

Fault = Callable[[Path, Path], None]


def _picture(change: Callable[[Any], Any]) -> Fault:
    """Change the pixels, keep size and format."""

    def spoil(source: Path, output: Path) -> None:
        from PIL import Image

        with Image.open(output) as image:
            image.load()
            kind, made = image.format, change(image.convert("RGB"))
        made.save(output, kind)

    return spoil


def _noise(image: Any) -> Any:
    from PIL import Image

    return Image.effect_noise(image.size, 90).convert("RGB")


def _lower_half_gray(image: Any) -> Any:
    wide, high = image.size
    image.paste((128, 128, 128), (0, high // 2, wide, high))
    return image


def _swapped(image: Any) -> Any:
    from PIL import Image

    red, green, blue = image.split()
    return Image.merge("RGB", (blue, red, green))


def _turned(image: Any) -> Any:
    return image.rotate(180)


def _mirrored(image: Any) -> Any:
    from PIL import ImageOps

    return ImageOps.mirror(image)


def _inverted(image: Any) -> Any:
    from PIL import ImageOps

    return ImageOps.invert(image)


def _white(image: Any) -> Any:
    from PIL import Image

    return Image.new("RGB", image.size, "white")


def _smaller(image: Any) -> Any:
    return image.resize((max(1, image.width // 2), max(1, image.height // 2)))


PICTURE: dict[str, Fault] = {
    name: _picture(change)
    for name, change in {
        "blank": _white,
        "noise": _noise,
        "half of it gray": _lower_half_gray,
        "upside down": _turned,
        "mirrored": _mirrored,
        "inverted": _inverted,
        "half the size": _smaller,
    }.items()
}
COLOURS: dict[str, Fault] = {
    "colours swapped": _picture(_swapped),
    "without colour": _picture(lambda image: image.convert("L").convert("RGB")),
}


def _frames(change: Callable[[list[Any]], list[Any]]) -> Fault:
    def spoil(source: Path, output: Path) -> None:
        from PIL import Image, ImageSequence

        with Image.open(output) as image:
            frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(image)]
            kind = image.format
        first, *rest = change(frames)
        first.save(output, kind, save_all=True, append_images=rest, duration=50, lossless=True)

    return spoil


def _blank_after_first(frames: list[Any]) -> list[Any]:
    from PIL import Image

    size = frames[0].size
    # Savers merge equal neighbours, so the blank ones differ by a shade.
    return [frames[0], *(Image.new("RGB", size, (n % 3,) * 3) for n in range(1, len(frames)))]


ANIMATED: dict[str, Fault] = {
    "half the frames": _frames(lambda frames: frames[: len(frames) // 2]),
    "blank frames": _frames(_blank_after_first),
}


def _pdf(write: Callable[[Any, Any], None]) -> Fault:
    def spoil(source: Path, output: Path) -> None:
        from pypdf import PdfReader, PdfWriter

        reader, writer = PdfReader(output), PdfWriter()
        write(reader, writer)
        writer.write(output)

    return spoil


def _half_the_pages(reader: Any, writer: Any) -> None:
    for page in reader.pages[: max(1, len(reader.pages) // 2)]:
        writer.add_page(page)


def _empty_pages(reader: Any, writer: Any) -> None:
    for page in reader.pages:
        writer.add_blank_page(page.mediabox.width, page.mediabox.height)


def _garbled_page(source: Path, output: Path) -> None:
    """As many pages of the same size with the same number of words, all of them wrong."""
    import pymupdf

    library: Any = pymupdf
    with library.open(output) as good, library.open() as made:
        for page in good:
            fresh = made.new_page(width=page.rect.width, height=page.rect.height)
            for x, y, _, _, word, *_ in page.get_text("words"):
                fresh.insert_text((x, y + 9), shifted(word), fontsize=9)
            if not page.get_text():
                fresh.draw_rect((9, 9, 200, 200), fill=(0, 0, 0))
        data = made.tobytes()
    output.write_bytes(data)


def shifted(text: str) -> str:
    """Each letter and digit replaced by the next."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    table = {ord(a): b for a, b in zip(letters, letters[1:] + "a", strict=True)}
    table |= {ord(a.upper()): b.upper() for a, b in zip(letters, letters[1:] + "a", strict=True)}
    return text.translate(table | {ord(str(n)): str((n + 1) % 10) for n in range(10)})


PDF: dict[str, Fault] = {
    "half the pages": _pdf(_half_the_pages),
    "blank pages": _pdf(_empty_pages),
    "garbled": _garbled_page,
}


def _parts(change: Callable[[str, bytes], bytes]) -> Fault:
    """Change the parts of a zip package."""

    def spoil(source: Path, output: Path) -> None:
        with zipfile.ZipFile(output) as archive:
            found = [(entry, archive.read(entry)) for entry in archive.infolist()]
        with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
            for entry, data in found:
                archive.writestr(entry, change(entry.filename, data))

    return spoil


_TEXT = re.compile(rb">([^<>]+)<")


def _shift_text(data: bytes) -> bytes:
    """Text between tags, garbled."""

    def shift(found: re.Match[bytes]) -> bytes:
        return b">" + shifted(found[1].decode("utf-8", "replace")).encode() + b"<"

    return _TEXT.sub(shift, data)


def _garble_part(name: str, data: bytes) -> bytes:
    kept = (".rels", "Types].xml", "mimetype", ".opf", "container.xml", "manifest.xml")
    is_text = name.endswith((".xml", "html")) and not name.endswith(kept)
    looks = "styles" in name or "settings" in name
    return _shift_text(data) if is_text and not looks else data


PACKAGE: dict[str, Fault] = {"garbled": _parts(_garble_part)}


def _garble_text(source: Path, output: Path) -> None:
    output.write_bytes(_shift_text(output.read_bytes()))


def _half_the_text(source: Path, output: Path) -> None:
    text = output.read_text(errors="replace")
    output.write_text(text[: len(text) // 2])


def _paragraphs(change: Callable[[list[str]], list[str]]) -> Fault:
    def spoil(source: Path, output: Path) -> None:
        output.write_text("\n\n".join(change(output.read_text().split("\n\n"))))

    return spoil


ORDER: dict[str, Fault] = {
    "paragraphs backwards": _paragraphs(lambda parts: parts[::-1]),
    "halves swapped": _paragraphs(
        lambda parts: parts[len(parts) // 2 :] + parts[: len(parts) // 2]
    ),
}


MARKUP: dict[str, Fault] = {"garbled": _garble_text, "half the text": _half_the_text}


def _rows(change: Callable[[list[list[str]]], list[list[str]]]) -> Fault:
    def spoil(source: Path, output: Path) -> None:
        text = output.read_text("utf-8-sig")
        with output.open("w", newline="") as file:
            csv.writer(file).writerows(change(list(csv.reader(text.splitlines()))))

    return spoil


def _swap_columns(rows: list[list[str]]) -> list[list[str]]:
    """The names stay, what stands below two of them changes places."""
    return [rows[0], *([*row[1:2], *row[:1], *row[2:]] for row in rows[1:])]


def _other_numbers(rows: list[list[str]]) -> list[list[str]]:
    return [[shifted(cell) if re.search(r"\d", cell) else cell for cell in row] for row in rows]


TABLE: dict[str, Fault] = {
    "half the rows": _rows(lambda rows: rows[: len(rows) // 2]),
    "columns swapped": _rows(_swap_columns),
    "other numbers": _rows(_other_numbers),
    "a column lost": _rows(lambda rows: [row[:-1] for row in rows]),
}


def _records(change: Callable[[list[dict[str, Any]]], Any]) -> Fault:
    def spoil(source: Path, output: Path) -> None:
        output.write_text(json.dumps(change(json.loads(output.read_text()))))

    return spoil


def _swap_values(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    first, second = list(rows[0])[:2]
    return [{**row, first: row[second], second: row[first]} for row in rows]


def _other_values(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _other_values(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_other_values(one) for one in value]
    if isinstance(value, str):
        return value.translate({ord(str(n)): str((n + 1) % 10) for n in range(10)})
    return value + 1 if isinstance(value, int | float) and not isinstance(value, bool) else value


RECORDS: dict[str, Fault] = {
    "half the records": _records(lambda rows: rows[: len(rows) // 2]),
    "columns swapped": _records(_swap_values),
    "other numbers": _records(_other_values),
}


def ffmpeg(*words: str) -> Fault:
    """Make the output again by FFmpeg: ``SOURCE`` and ``GOOD`` stand for the two files."""

    def spoil(source: Path, output: Path) -> None:
        good = output.with_name(f"good{output.suffix}")
        shutil.copyfile(output, good)
        names = {"SOURCE": str(source), "GOOD": str(good)}
        argv = ["ffmpeg", "-v", "error", "-y", *(names.get(word, word) for word in words)]
        ended = runner.run([*argv, str(output)], profile="media", workdir=output.parent)
        assert ended.returncode == 0, ended

    return spoil


_BEEPS = "0.3*sin(2*PI*300*t)*gt(mod(t,6),4)"
SOUND: dict[str, Fault] = {
    "silence": ffmpeg("-i", "GOOD", "-af", "volume=0"),
    "another sound": ffmpeg(
        "-i", "GOOD", "-af", "aeval='0.3*sin(2*PI*300*t)*gt(mod(t,6),4)':c=same"
    ),
    "half of it": ffmpeg("-i", "GOOD", "-af", "atrim=0:5"),
    "backwards": ffmpeg("-i", "GOOD", "-af", "areverse"),
    "half of it silent": ffmpeg("-i", "GOOD", "-af", "volume=0:enable='gt(t,5)'"),
}
_KEEP = ("-c:a", "copy", "-preset", "ultrafast")
FILM: dict[str, Fault] = {
    "black": ffmpeg("-i", "GOOD", "-vf", "lutyuv=y=16:u=128:v=128", *_KEEP),
    "green": ffmpeg("-i", "GOOD", "-vf", "lutyuv=u=60:v=60", *_KEEP),
    "upside down": ffmpeg("-i", "GOOD", "-vf", "vflip", *_KEEP),
    "half of it": ffmpeg("-i", "GOOD", "-t", "4", *_KEEP),
    "noise": ffmpeg("-i", "GOOD", "-vf", "lutyuv=y=128,noise=alls=99:allf=t", *_KEEP),
    "no sound": ffmpeg("-i", "GOOD", "-an", "-c:v", "copy"),
    "silent": ffmpeg("-i", "GOOD", "-af", "volume=0", "-c:v", "copy"),
    "half the size": ffmpeg("-i", "GOOD", "-vf", "scale=iw/2:-2", *_KEEP),
    "still": ffmpeg("-i", "GOOD", "-vf", "loop=loop=-1:size=1:start=0,trim=end=9.9", *_KEEP),
}


def _cues(change: Callable[[list[str]], list[str]]) -> Fault:
    def spoil(source: Path, output: Path) -> None:
        head, *cues = output.read_text().rstrip().split("\n\n")
        output.write_text("\n\n".join([head, *change(cues)]) + "\n")

    return spoil


def _move_words(cues: list[str]) -> list[str]:
    """The words of each cue at the next one's time."""
    heads = [cue[: cue.index("-->") + 20] for cue in cues]
    words = [cue[cue.index("-->") + 20 :] for cue in cues]
    return [head + text for head, text in zip(heads, [words[-1], *words[:-1]], strict=True)]


def _late_middle(cues: list[str]) -> list[str]:
    def later(cue: str) -> str:
        return re.sub(r":(\d\d)\.", lambda m: f":{(int(m[1]) + 7) % 60:02d}.", cue)

    return [cues[0], *(later(cue) for cue in cues[1:-1]), cues[-1]]


CUES: dict[str, Fault] = {
    "a cue lost": _cues(lambda cues: cues[:-1]),
    "words at other times": _cues(_move_words),
    "times shifted in between": _cues(_late_middle),
    "garbled": _cues(lambda cues: [re.sub(r"(?m)^[A-Za-z].*$", "xyz", cue) for cue in cues]),
}


def _font(change: Callable[[Any], None]) -> Fault:
    def spoil(source: Path, output: Path) -> None:
        from fontTools.ttLib import TTFont

        font = TTFont(output)
        change(font)
        font.save(output)

    return spoil


def _other_letters(font: Any) -> None:
    for table in font["cmap"].tables:
        names = list(table.cmap.values())
        table.cmap = dict(zip(table.cmap, [*names[1:], names[0]], strict=True))


def _no_letters(font: Any) -> None:
    for table in font["cmap"].tables:
        table.cmap = dict(list(table.cmap.items())[:1])


def _other_widths(font: Any) -> None:
    font["hmtx"].metrics = {name: (1, side) for name, (_, side) in font["hmtx"].metrics.items()}


FONT: dict[str, Fault] = {
    "other letters": _font(_other_letters),
    "no letters": _font(_no_letters),
    "other widths": _font(_other_widths),
}
