"""Merge, split and rotate: what happens to whole pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from conversions.engines.page_ranges import pages_of
from conversions.engines.pdf_open import MAX_PAGES, open_pike
from conversions.engines.pdf_write import every, save, save_parts
from conversions.engines.spec import EngineCall, EngineResult, InputRejected, LimitExceeded

if TYPE_CHECKING:
    from conversions.engines.pdf_tools import MergeOptions, RotateOptions, SplitOptions

MAX_BOOKMARKS = 20_000


def merge(call: EngineCall, options: MergeOptions) -> EngineResult:
    """All sources in their order; bookmarks keep their shape and lead to the moved pages."""
    import pikepdf  # noqa: PLC0415 (imported in the sandboxed child only)

    warnings: list[str] = []
    sources = (call.source, *call.extra_sources)
    made, nodes = pikepdf.new(), []
    for done, path in enumerate(sources, 1):
        with open_pike(path, call.password, warnings) as pdf:
            offset = len(made.pages)
            if offset + len(pdf.pages) > MAX_PAGES:
                raise LimitExceeded(f"Together there are over {MAX_PAGES} pages.")
            if "/AcroForm" in pdf.Root:
                warnings.append("Form fields stay as drawn but can no longer be filled in.")
            found = _bookmarks(pdf, offset) if options.bookmarks != "none" else []
            if options.bookmarks == "files":
                name = call.names[done - 1] if done <= len(call.names) else f"Part {done}"
                found = [(name, offset, found)]
            nodes += found
            made.pages.extend(pdf.pages)
        call.progress(0.9 * done / len(sources), "joining")
    if nodes:
        _write_bookmarks(made, nodes)
    pages = len(made.pages)
    save(made, call.target, call, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    facts = {"pages": pages, "bookmarks": _count(nodes)}
    return EngineResult(
        outputs=(call.target,), warnings=tuple(dict.fromkeys(warnings)), facts=facts
    )


Node = tuple[str, int, list[Any]]


def _count(nodes: list[Node]) -> int:
    return sum(1 + _count(children) for _, _, children in nodes)


def _bookmarks(pdf: Any, offset: int) -> list[Node]:
    """(title, page in the joined file, children); what leads nowhere goes to the first page."""
    import pikepdf  # noqa: PLC0415

    places = {page.obj.objgen: number for number, page in enumerate(pdf.pages)}
    left = [MAX_BOOKMARKS]

    def walk(items: Any, depth: int) -> list[Node]:
        found: list[Node] = []
        for item in items:
            left[0] -= 1
            if left[0] < 0 or depth > 20:
                break
            page = _page_of(pdf, item, places)
            found.append((item.title, offset + page, walk(item.children, depth + 1)))
        return found

    try:
        with pdf.open_outline(max_depth=20, strict=False) as outline:
            return walk(outline.root, 0)
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return []


def _page_of(pdf: Any, item: Any, places: dict[Any, int]) -> int:
    target = item.destination
    try:
        if target is None and item.action is not None and "/D" in item.action:
            target = item.action.D
        if target is not None and not hasattr(target, "objgen") and not isinstance(target, str):
            return int(target)
        for _ in range(3):
            if target is None or _is_array(target):
                break
            target = _named(pdf, target)
        if target is not None and _is_array(target):
            return places.get(target[0].objgen, 0)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        pass
    return 0


def _is_array(value: Any) -> bool:
    import pikepdf  # noqa: PLC0415

    return isinstance(value, pikepdf.Array)


def _named(pdf: Any, name: Any) -> Any:
    """A named destination, from the name tree or the old dictionary."""
    import pikepdf  # noqa: PLC0415

    if isinstance(name, pikepdf.Dictionary):
        return name.get("/D")
    if isinstance(name, pikepdf.Name):
        return pdf.Root.get("/Dests", {}).get(str(name))
    names = pdf.Root.get("/Names")
    if names is not None and "/Dests" in names:
        return pikepdf.NameTree(names.Dests).get(str(name))
    return None


def _write_bookmarks(pdf: Any, nodes: list[Node]) -> None:
    import pikepdf  # noqa: PLC0415

    def build(node: Node) -> Any:
        title, page, children = node
        item = pikepdf.OutlineItem(title, page)
        item.children.extend(build(child) for child in children)
        return item

    with pdf.open_outline() as outline:
        outline.root.extend(build(node) for node in nodes)


def _parts(pdf: Any, options: SplitOptions) -> Sequence[Sequence[int]]:
    """Zero-based page numbers of each result."""
    count = len(pdf.pages)
    if options.mode == "ranges":
        return [pages_of(part, count) for part in (options.ranges or "").split(",")]
    if options.mode == "every":
        return every(count, options.every)
    starts = sorted({0, *(page for _, page, _ in _bookmarks(pdf, 0))})
    if len(starts) < 2:
        text = "The PDF has no bookmarks to split at; use mode=every or mode=ranges."
        raise InputRejected(text, code="engine_failed")
    return [range(*ends) for ends in zip(starts, [*starts[1:], count], strict=True)]


def split(call: EngineCall, options: SplitOptions) -> EngineResult:
    """One file for each part, in order."""
    if options.mode == "ranges" and not options.ranges:
        raise InputRejected("mode=ranges needs ranges, such as 1-3,4-6.", code="engine_failed")
    warnings: list[str] = []
    with open_pike(call.source, call.password, warnings) as pdf:
        parts = _parts(pdf, options)
        outputs = save_parts(pdf, parts, call)
    counts = [len(numbers) for numbers in parts]
    facts = {"pages": sum(counts), "counts": counts}
    return EngineResult(outputs=outputs, warnings=tuple(warnings), facts=facts)


def rotate(call: EngineCall, options: RotateOptions) -> EngineResult:
    """Turn the chosen pages clockwise, on top of how they are turned already."""
    warnings: list[str] = []
    with open_pike(call.source, call.password, warnings) as pdf:
        numbers = pages_of(options.page_range, len(pdf.pages))
        for number in numbers:
            pdf.pages[number].rotate(int(options.angle), relative=True)
        save(pdf, call.target, call)
        facts = {"pages": len(pdf.pages), "turned": len(numbers)}
    return EngineResult(outputs=(call.target,), warnings=tuple(warnings), facts=facts)
