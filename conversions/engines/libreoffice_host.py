"""The office host: runs inside the sandbox by Debian's python3, which alone has the UNO bridge.

Keeps one soffice, speaks JSON lines: ``{"source", "target", "infilter", "outfilter", "data",
"inoptions", "outoptions", "password", "comments", "page"}`` → ``{"ok", "pages" | "error",
"rss_bytes"}``.
A call that hangs is ended from outside.
"""

import json
import os
import subprocess  # noqa: TID251 (already inside the sandbox)
import sys
import time
from pathlib import Path
from typing import Any

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.lang import DisposedException
from com.sun.star.uno import RuntimeException

OFFICE = "/usr/lib/libreoffice/program/soffice.bin"
AT_LEFT, AT_RIGHT = 0, 1  # com.sun.star.style.ParagraphAdjust, as numbers
FROM_RIGHT = 1  # com.sun.star.text.WritingMode2.RL_TB
DYING_S = 0.5
TEXT = "Text (encoded)"
SHOWN = (TEXT, "writer_pdf_Export", "HTML (StarWriter)")  # these hold no comments
RESTART_ME = 81  # exit code of soffice after it has set up a new profile


def start_office(folder: str) -> tuple[subprocess.Popen[bytes], Any]:
    """Start soffice on the seeded profile and return (process, its context)."""
    name = f"filemill{os.getpid()}"
    argv = [
        OFFICE,
        "--headless",
        "--invisible",
        "--norestore",
        "--nologo",
        "--nodefault",
        "--nolockcheck",
        "--nofirststartwizard",
        f"-env:UserInstallation=file://{folder}/profile",
        f"--accept=pipe,name={name};urp;StarOffice.ComponentContext",
    ]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext(
        "com.sun.star.bridge.UnoUrlResolver", local
    )
    address = f"uno:pipe,name={name};urp;StarOffice.ComponentContext"
    while True:
        try:
            context = resolver.resolve(address)
            break
        except Exception:
            code = process.poll()
            if code == RESTART_ME:
                return start_office(folder)
            if code is not None:
                sys.exit(f"soffice ended with {code}")
            time.sleep(0.02)
    return process, context


def created(context: Any, service: str) -> Any:
    """A new object of soffice."""
    return context.ServiceManager.createInstanceWithContext(service, context)


def properties(values: dict[str, Any]) -> tuple[Any, ...]:
    """A dict as UNO's sequence of named values; dicts inside become sequences as well."""
    made = []
    for name, value in values.items():
        one = PropertyValue()
        one.Name = name
        one.Value = nested(value) if isinstance(value, dict) else value
        made.append(one)
    return tuple(made)


def nested(values: dict[str, Any]) -> Any:
    """A dict as one Any holding a sequence."""
    return uno.Any("[]com.sun.star.beans.PropertyValue", properties(values))


def url(path: str) -> Any:
    """File address of a path."""
    return uno.systemPathToFileUrl(path)


def opened(desktop: Any, source: str, load: dict[str, Any]) -> Any:
    """The document; packages that others zipped badly are repaired, as the window would offer."""
    document = desktop.loadComponentFromURL(url(source), "_blank", 0, properties(load))
    with Path(source).open("rb") as file:
        is_package = file.read(2) == b"PK"
    if document is None and is_package:
        load = {**load, "RepairPackage": True}
        document = desktop.loadComponentFromURL(url(source), "_blank", 0, properties(load))
    return document


def read_unseen(context: Any, source: str, load: dict[str, Any]) -> Any:
    """The text document without a window: soffice without its user interface dies of drawing
    the comments beside a page."""
    document = created(context, "com.sun.star.text.TextDocument")
    document.load(properties({**load, "URL": url(source)}))
    return document


def without_comments(document: Any, place: str) -> None:
    """Write the document as ODT, without comments; closes it."""
    fields = document.getTextFields().createEnumeration()
    notes = []
    while fields.hasMoreElements():
        field = fields.nextElement()
        if field.supportsService("com.sun.star.text.textfield.Annotation"):
            notes.append(field)
    for field in notes:
        field.dispose()
    document.storeToURL(url(place), properties({"FilterName": "writer8"}))
    document.close(True)  # noqa: FBT003 (UNO takes positions)


def convert(context: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Load with the named import filter, store with the named export filter."""
    load: dict[str, Any] = {
        "Hidden": True,
        "ReadOnly": True,
        "FilterName": request["infilter"],
        "MacroExecutionMode": 0,
        "UpdateDocMode": 0,
    }
    if request.get("inoptions"):
        load["FilterOptions"] = request["inoptions"]
    if request.get("password"):
        load["Password"] = request["password"]
    desktop = created(context, "com.sun.star.frame.Desktop")
    if not request.get("comments"):
        document = opened(desktop, request["source"], load)
    else:
        document = read_unseen(context, request["source"], load)
        if request["outfilter"] in SHOWN:
            place = request["source"] + ".odt"
            without_comments(document, place)
            document = opened(desktop, place, {**load, "FilterName": "writer8"})
    if document is None:
        return {"ok": False, "error": "load"}
    if request.get("from_right"):
        write_from_right(document)
    try:
        if request.get("page"):
            fill_page(document, *request["page"])
        return store(document, request)
    finally:
        document.close(True)  # noqa: FBT003 (UNO takes positions)


def fill_page(document: Any, width: int, height: int) -> None:
    """A metafile comes as one shape amid a sheet of A4: the page becomes as large as it is."""
    page = document.DrawPages.getByIndex(0)
    if not page.Count:
        raise ValueError("nothing was drawn")
    shape = page.getByIndex(0)
    size, corner = shape.Size, shape.Position
    if width and height:
        size.Width, size.Height = width, height
    page.BorderLeft = page.BorderRight = page.BorderTop = page.BorderBottom = 0
    page.Width, page.Height = size.Width, size.Height
    shape.Size = size
    corner.X = corner.Y = 0
    shape.Position = corner


def write_from_right(document: Any) -> None:
    """Paragraphs from right to left: the import of pages and plain text leaves that out."""
    parts = document.Text.createEnumeration()
    while parts.hasMoreElements():
        part = parts.nextElement()
        if part.supportsService("com.sun.star.text.Paragraph"):
            part.WritingMode = FROM_RIGHT
            if part.ParaAdjust == AT_LEFT:
                part.ParaAdjust = AT_RIGHT


def store(document: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Write an open document; what soffice says where it can't."""
    save: dict[str, Any] = {"FilterName": request["outfilter"], "Overwrite": True}
    if request.get("outoptions"):
        save["FilterOptions"] = request["outoptions"]
    if request["data"]:
        save["FilterData"] = request["data"]
    pages = getattr(document.CurrentController, "PageCount", None)
    try:
        document.storeToURL(url(request["target"]), properties(save))
    except DisposedException:
        raise
    except Exception as error:
        return {"ok": False, "error": f"store: {error}"[:500]}
    if request["outfilter"] == TEXT:
        append_boxes(document, request["target"])
    return {"ok": True, "pages": pages}


def append_boxes(document: Any, target: str) -> None:
    """The text of frames and shapes, which the text filter leaves out, after the main text."""
    page = getattr(document, "DrawPage", None)
    shapes = [page.getByIndex(n) for n in range(page.Count)] if page else []
    words = [one for shape in shapes for one in words_of(shape)]
    if words:
        with Path(target).open("a", encoding="utf-8") as file:
            file.write("\n" + "\n".join(words) + "\n")


def words_of(shape: Any) -> list[str]:
    """Text of a shape, or of the members of a group."""
    if hasattr(shape, "getCount") and hasattr(shape, "getByIndex"):
        return [one for n in range(shape.getCount()) for one in words_of(shape.getByIndex(n))]
    try:
        text = shape.getString() if hasattr(shape, "getString") else ""
    except DisposedException:
        raise
    except RuntimeException:  # a shape that could hold text and has none
        return []
    return [text] if text.strip() else []


def resident_bytes(process: subprocess.Popen[bytes]) -> int:
    """Memory of soffice now."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def wait_for_death(process: subprocess.Popen[bytes]) -> None:
    """A crash shows as some exception first: the document is not to blame, nor the next one."""
    try:
        process.wait(timeout=DYING_S)
    except subprocess.TimeoutExpired:
        return


def main() -> None:
    """Serve until standard input ends or soffice dies."""
    user = Path(sys.argv[1]) / "profile" / "user"
    user.mkdir(parents=True)
    seed = Path(__file__).with_name("libreoffice_profile.xcu")
    (user / "registrymodifications.xcu").write_text(seed.read_text())
    process, context = start_office(sys.argv[1])
    sys.stdout.write(json.dumps({"ready": True}) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        try:
            answer = convert(context, json.loads(line))
        except DisposedException:
            sys.exit("soffice died")  # its exit may not be seen yet; the next call would fail too
        except Exception as error:
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"[:500]}
        if not answer["ok"] and answer["error"] != "load":
            wait_for_death(process)
        if process.poll() is not None:
            sys.exit("soffice died")
        answer["rss_bytes"] = resident_bytes(process)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
