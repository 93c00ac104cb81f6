"""A graph as SVG and as Mermaid text: a column for each depth, an arrow for each input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 168, 52, 56, 24, 16  # pixels
LONGEST = 22  # characters of a label
COLOURS = {
    "pending": ("#f4f4f5", "#a1a1aa"),
    "processing": ("#dbeafe", "#2563eb"),
    "completed": ("#dcfce7", "#16a34a"),
    "failed": ("#fee2e2", "#dc2626"),
    "skipped": ("#fafafa", "#d4d4d8"),
    "canceled": ("#fef3c7", "#d97706"),
}


def mermaid(graph: Mapping[str, Any]) -> str:
    """Mermaid's flowchart text; names are quoted, ids are ours."""
    ids = {node["id"]: f"s{number}" for number, node in enumerate(graph["nodes"])}
    lines = ["flowchart LR"]
    for node in graph["nodes"]:
        label = f"{node['id']}<br/>{node['operation']}".replace('"', "'")
        lines.append(f'  {ids[node["id"]]}["{label}"]:::{node["status"]}')
    lines += [f"  {ids[edge['from']]} --> {ids[edge['to']]}" for edge in graph["edges"]]
    lines += [
        f"  classDef {status} fill:{fill},stroke:{line}" for status, (fill, line) in COLOURS.items()
    ]
    return "\n".join(lines) + "\n"


def svg(graph: Mapping[str, Any]) -> str:
    """A picture that needs nothing else: no script, no style sheet, no font of its own."""
    places = placed(graph)
    columns = max(column for column, _ in places.values()) + 1
    rows = max(row for _, row in places.values()) + 1
    width = 2 * MARGIN + columns * WIDTH + (columns - 1) * GAP_X
    height = 2 * MARGIN + rows * HEIGHT + (rows - 1) * GAP_Y
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img" aria-label="Pipeline" font-family="sans-serif">\n'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8"'
        ' markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#71717a"/></marker></defs>'
    )
    parts = [head, *(arrow(places[edge["from"]], places[edge["to"]]) for edge in graph["edges"])]
    parts += [box(node, places[node["id"]]) for node in graph["nodes"]]
    return "\n".join([*parts, "</svg>\n"])


def placed(graph: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Node → column and row. The nodes come in an order in which they can run."""
    sources: dict[str, list[str]] = {node["id"]: [] for node in graph["nodes"]}
    for edge in graph["edges"]:
        sources[edge["to"]].append(edge["from"])
    depth: dict[str, int] = {}
    for name in sources:
        depth[name] = depth_of(name, sources, depth)
    filled: dict[int, int] = {}
    places = {}
    for name, column in depth.items():
        places[name] = (column, filled.get(column, 0))
        filled[column] = filled.get(column, 0) + 1
    return places


def depth_of(name: str, sources: Mapping[str, list[str]], known: dict[str, int]) -> int:
    """Steps on the longest way to a node."""
    if name not in known:
        known[name] = 1 + max((depth_of(s, sources, known) for s in sources[name]), default=-1)
    return known[name]


def corner(place: tuple[int, int]) -> tuple[int, int]:
    """Left and top of a box, in pixels."""
    column, row = place
    return MARGIN + column * (WIDTH + GAP_X), MARGIN + row * (HEIGHT + GAP_Y)


def arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    """From the right side of one box to the left side of another."""
    (x1, y1), (x2, y2) = corner(start), corner(end)
    x1, y1, y2 = x1 + WIDTH, y1 + HEIGHT // 2, y2 + HEIGHT // 2
    bend = (x2 - x1) // 2
    return (
        f'<path d="M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}" fill="none"'
        ' stroke="#71717a" stroke-width="1.5" marker-end="url(#tip)"/>'
    )


def box(node: Mapping[str, str], place: tuple[int, int]) -> str:
    """Name and operation on the colour of the status."""
    x, y = corner(place)
    fill, line = COLOURS[node["status"]]
    title = f"{node['id']}: {node['operation']}, {node['status']}"
    return (
        f"<g><title>{escape(title)}</title>"
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="8" fill="{fill}"'
        f' stroke="{line}" stroke-width="1.5"/>'
        f'<text x="{x + 12}" y="{y + 22}" font-size="14" font-weight="600" fill="#18181b">'
        f"{escape(shortened(node['id']))}</text>"
        f'<text x="{x + 12}" y="{y + 40}" font-size="12" fill="#52525b">'
        f"{escape(shortened(node['operation']))}</text></g>"
    )


def shortened(label: str) -> str:
    """What fits into a box."""
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…"
