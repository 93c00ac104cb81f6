"""The engine contract: what an engine declares, what it is given, what it gives back.

Engines know files, not the platform: no Django, no Celery, no other engine. An engine file reads
top to bottom: docstring, ``Options``, ``SPEC``, ``run``. ``registry.py`` holds the one list.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict


class EngineOptions(BaseModel):
    """Base of every engine's options: unknown names are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Runner(StrEnum):
    """Where ``run`` is called."""

    PYTHON = "python"  # inside a sandboxed child forked from the warm parent
    PROCESS = "process"  # in the worker; starts programs through ``sandbox`` only
    HOST = "host"  # in the worker; speaks to a warm, sandboxed host


class Queue(StrEnum):
    """Cost class: which worker kind takes the step."""

    CONVERT = "convert"
    OFFICE = "office"
    MEDIA = "media"


@dataclass(frozen=True, kw_only=True)
class Route:
    """Inputs × outputs that an engine offers. Same-format pairs are offered only if listed."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    fidelity: int  # 0–100: share of the source that a person would say survived
    loses: tuple[str, ...] = ()  # what does not survive, in plain words
    options: tuple[str, ...] | None = None  # names of Options fields that apply; None: all


@dataclass(frozen=True, kw_only=True)
class EngineSpec:
    """One engine, declared as data. Checked by ``registry.problems()``."""

    id: str  # stable word: API, metrics, docs
    name: str
    licence: str
    routes: tuple[Route, ...]
    options: type[EngineOptions]
    runner: Runner
    queue: Queue
    sandbox: str  # name of a profile in sandbox.profiles.PROFILES
    seconds: float  # typical seconds of a small file, for choosing routes
    units: int  # price of one step
    find_version: Callable[[], str | None]  # None: not installed, its routes are not offered
    run: Callable[[EngineCall], EngineResult]
    preload: tuple[str, ...] = ()  # modules that the warm parent imports for a PYTHON engine
    own_parent: bool = False  # its imports are so large that other engines' forks would slow down


def _no_child(function: str, payload: dict[str, Any]) -> dict[str, Any]:
    raise NotImplementedError(f"{function} was called outside of execute()")


@dataclass(frozen=True, kw_only=True)
class EngineCall:
    """One step. Paths are absolute and inside ``workdir``, which belongs to this call alone.

    ``in_child`` lets an engine of programs run a ``module:function(payload, report)`` of its own
    on the untrusted file in the warm parent's sandboxed child.
    """

    source: Path
    target: Path  # the engine writes here, or several files named ``target.stem-N.ext`` beside it
    input_format: str
    output_format: str
    options: EngineOptions
    workdir: Path
    deadline_s: float  # wall clock seconds left for this step
    password: str | None = None
    extra_sources: tuple[Path, ...] = ()  # of operations that join several files
    names: tuple[str, ...] = ()  # what the customer calls the sources, in the same order
    progress: Callable[[float, str], None] = lambda fraction, stage: None  # 0–1, words
    in_child: Callable[[str, dict[str, Any]], dict[str, Any]] = _no_child
    started: float = field(default_factory=time.monotonic)

    @property
    def left_s(self) -> float:
        """Seconds until the deadline, never nothing: the sandbox ends what is late."""
        return max(0.1, self.deadline_s - (time.monotonic() - self.started))


@dataclass(frozen=True, kw_only=True)
class EngineResult:
    """What came out. ``facts`` are the engine's own claims (pages, …); verification checks them."""

    outputs: tuple[Path, ...]
    names: tuple[str, ...] = ()  # of the outputs, where the content names them (archive entries)
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    unsure: str = ""  # why another engine may find more; this result stands where none does


class EngineError(Exception):
    """Base of what an engine may say. ``public`` is for the customer, ``detail`` for the log."""

    code = "engine_failed"  # a job error code of API.md
    retryable = False

    def __init__(self, public: str, *, detail: str = "", code: str | None = None) -> None:
        super().__init__(public)
        self.public, self.detail = public, detail
        self.code = code or self.code

    def told(self) -> dict[str, Any]:
        """As a sandboxed child tells it: {failure: {kind, public, detail, code}}."""
        words = {"public": self.public, "detail": self.detail, "code": self.code}
        return {"failure": {"kind": type(self).__name__, **words}}


class InputRejected(EngineError):
    """The source is damaged, locked or not what it says. Permanent."""

    code = "file_corrupt"


class OptionUnsupported(EngineError):
    """This engine can't do what the options ask. Permanent."""

    code = "engine_failed"


class LimitExceeded(EngineError):
    """Time, memory, output size or another limit was hit; the text names it. Permanent."""

    code = "limit_exceeded"


class EngineCrashed(EngineError):
    """The engine died without saying why. May be tried again."""

    code = "engine_crashed"
    retryable = True
