"""Who else holds something about a person: apps above tell it here, since we never import them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Holder:
    """An app's part in exporting and erasing. Each function takes a user id, in the public schema.

    ``export``: JSON of what it holds. ``ties``: names of what must be settled before the person can
    go. ``erase``: forget the person, inside the erasing transaction.
    """

    name: str
    export: Callable[[str], Any]
    ties: Callable[[str], list[str]]
    erase: Callable[[str], None]


HOLDERS: dict[str, Holder] = {}


def hold(holder: Holder) -> None:
    """Called once by each app at start."""
    HOLDERS[holder.name] = holder
