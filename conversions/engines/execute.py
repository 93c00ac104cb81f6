"""Run one engine step where it belongs, and give every end of it a code and plain words."""

from __future__ import annotations

import functools
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from conversions.engines import libreoffice, registry
from conversions.engines.program import limit
from conversions.engines.spec import (
    EngineCall,
    EngineCrashed,
    EngineError,
    EngineResult,
    EngineSpec,
    InputRejected,
    LimitExceeded,
    OptionUnsupported,
    Queue,
    Runner,
)
from sandbox import hosts, pool
from sandbox.outcomes import Crashed, LimitHit, Raised, SandboxUnavailable
from sandbox.profiles import PROFILES

_KINDS: dict[str, type[EngineError]] = {
    kind.__name__: kind
    for kind in (EngineError, InputRejected, OptionUnsupported, LimitExceeded, EngineCrashed)
}


def limit_error(hit: LimitHit) -> LimitExceeded:
    """The engine error for a limit of the sandbox."""
    return limit(hit.which, str(hit))


def warm(queue: str) -> None:
    """Start what the first job of a queue would wait for: warm parents, LibreOffice."""
    if queue == Queue.OFFICE and registry.version("libreoffice"):
        hosts.host(libreoffice.PLAN).warm()
    if queue == Queue.CONVERT:
        pool.server(registry.preload()).warm()
        for spec in registry.ENGINES:
            if spec.own_parent and registry.version(spec.id):
                pool.server(registry.preload(spec)).warm()


def execute(spec: EngineSpec, call: EngineCall) -> EngineResult:
    """Run one step; raises EngineError only. Outputs are plain files of the work folder."""
    call = replace(call, deadline_s=min(call.deadline_s, PROFILES[spec.sandbox].wall_s))
    call = replace(call, in_child=functools.partial(_beside, call))
    try:
        result = _in_fork(spec, call) if spec.runner is Runner.PYTHON else spec.run(call)
    except LimitHit as hit:
        raise limit_error(hit) from hit
    except (Crashed, SandboxUnavailable, Raised) as error:
        text = f"{spec.name} ended without a result."
        detail = error.trace if isinstance(error, Raised) else str(error)
        raise EngineCrashed(text, detail=detail) from error
    _check_outputs(spec, call, result)
    return result


def _beside(call: EngineCall, function: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Part of an engine of programs that is Python on the untrusted file."""
    returned = pool.server(registry.preload()).call(
        function, payload, profile="document", workdir=call.workdir, deadline_s=call.left_s
    )
    answer: dict[str, Any] = returned.value
    if "failure" in answer:
        raise _raised(answer["failure"])
    return answer


def _raised(failure: dict[str, str]) -> EngineError:
    kind = _KINDS.get(failure["kind"], EngineError)
    return kind(failure["public"], detail=failure["detail"], code=failure["code"])


def _in_fork(spec: EngineSpec, call: EngineCall) -> EngineResult:
    payload = {
        "engine": spec.id,
        "source": str(call.source),
        "target": str(call.target),
        "workdir": str(call.workdir),
        "input_format": call.input_format,
        "output_format": call.output_format,
        "options": call.options.model_dump(mode="json"),
        "deadline_s": call.deadline_s,
        "password": call.password,
        "extra_sources": [str(path) for path in call.extra_sources],
        "names": list(call.names),
    }
    returned = pool.server(registry.preload(spec)).call(
        "conversions.engines.execute:in_child",
        payload,
        profile=spec.sandbox,
        workdir=call.workdir,
        deadline_s=call.deadline_s,
        on_progress=call.progress,
    )
    answer = returned.value
    if "failure" in answer:
        raise _raised(answer["failure"])
    outputs = tuple(Path(path) for path in answer["outputs"])
    return EngineResult(
        outputs=outputs,
        names=tuple(answer["names"]),
        warnings=tuple(answer["warnings"]),
        facts=answer["facts"],
        unsure=answer["unsure"],
    )


def in_child(payload: dict[str, Any], report: Callable[[float, str], None]) -> dict[str, Any]:
    """In the sandboxed child: rebuild the call, run the engine, flatten what it says."""
    spec = registry.BY_ID[payload["engine"]]
    call = EngineCall(
        source=Path(payload["source"]),
        target=Path(payload["target"]),
        workdir=Path(payload["workdir"]),
        input_format=payload["input_format"],
        output_format=payload["output_format"],
        options=spec.options.model_validate(payload["options"]),
        deadline_s=payload["deadline_s"],
        password=payload["password"],
        extra_sources=tuple(Path(path) for path in payload["extra_sources"]),
        names=tuple(payload["names"]),
        progress=report,
    )
    try:
        result = spec.run(call)
    except EngineError as error:
        return error.told()
    return {
        "outputs": [str(path) for path in result.outputs],
        "names": list(result.names),
        "warnings": list(result.warnings),
        "facts": dict(result.facts),
        "unsure": result.unsure,
    }


def _check_outputs(spec: EngineSpec, call: EngineCall, result: EngineResult) -> None:
    """A compromised engine must not hand us a link to a file of ours as its result."""
    folder = call.workdir.resolve()
    if not result.outputs:
        raise EngineCrashed(f"{spec.name} wrote no file.")
    for path in result.outputs:
        try:
            state = path.lstat()
        except OSError as error:
            raise EngineCrashed(f"{spec.name} wrote no file.", detail=str(error)) from error
        inside = path.parent.resolve().is_relative_to(folder)
        if not inside or not stat.S_ISREG(state.st_mode) or state.st_nlink != 1:
            raise EngineError("The result was refused.", detail=f"not a plain file: {path}")
