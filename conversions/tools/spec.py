"""What a tool declares."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Category(StrEnum):
    """Where a tool stands in the list."""

    CONVERT = "convert"
    COMPRESS = "compress"
    EDIT = "edit"
    ORGANISE = "organise"
    EXTRACT = "extract"


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One tool.

    ``operations`` are tried in their order: the first that reads a file's format does it. A file
    that none reads is converted to ``prepare`` first. Without operations the tool is a conversion
    to one of ``targets``; with both, ``targets`` are what the operation may write.
    """

    slug: str
    name: str
    category: Category
    about: str  # one sentence for the page and the docs
    formats: tuple[str, ...] = ()  # accepted; with families, both count
    families: tuple[str, ...] = ()
    any_file: bool = False
    operations: tuple[str, ...] = ()  # engine ids
    targets: tuple[str, ...] = ()  # the first is the default; empty: the format of the input
    prepare: str | None = None
    join: str | None = None  # an operation that makes one file of several
    least: int = 1
    most: int = 1
    secret: bool = False  # an option `password` is taken as the request's password
    needs: tuple[str, ...] = ()  # options of which one must be there


FILES = 100  # of one job
