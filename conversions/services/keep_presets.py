"""Presets of a tenant: a graph of steps under a name, without files and passwords."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import IntegrityError, transaction

from conversions.graphs.spec import StepSpec
from conversions.models import Preset
from conversions.services.check_graph import Flow, check_graph
from core.errors import Conflict, NotFound


def create_preset(
    *, name: str, description: str, steps: Mapping[str, StepSpec], user_id: str | None
) -> Preset:
    """A new preset. Raises Conflict when the name is taken, and the refusal of a step."""
    check_unknown(steps)
    try:
        with transaction.atomic():
            return Preset.objects.create(
                name=name, description=description, steps=stored(steps), user_id=user_id
            )
    except IntegrityError as error:
        raise Conflict(f"There is a preset {name} already.") from error


def put_preset(*, name: str, steps: Mapping[str, StepSpec], user_id: str | None) -> Preset:
    """Save a run's graph under a name, over what was there."""
    preset, _ = Preset.objects.update_or_create(
        name=name,
        defaults={"steps": stored(steps)},
        create_defaults={"steps": stored(steps), "user_id": user_id},
    )
    return preset


def change_preset(
    *,
    preset_id: str,
    name: str | None = None,
    description: str | None = None,
    steps: Mapping[str, StepSpec] | None = None,
) -> Preset:
    """Change what is given. Raises NotFound, Conflict, and the refusal of a step."""
    if steps is not None:
        check_unknown(steps)
    given = {"name": name, "description": description, "steps": stored(steps) if steps else None}
    with transaction.atomic():
        preset = Preset.objects.select_for_update().filter(pk=preset_id).first()
        if preset is None:
            raise NotFound("There is no such preset.")
        for field, value in given.items():
            if value is not None:
                setattr(preset, field, value)
        try:
            with transaction.atomic():
                preset.save()
        except IntegrityError as error:
            raise Conflict(f"There is a preset {name} already.") from error
    return preset


def delete_preset(*, preset_id: str) -> None:
    """Gone at once; runs that were made with it stay. Raises NotFound."""
    if not Preset.objects.filter(pk=preset_id).delete()[0]:
        raise NotFound("There is no such preset.")


def stored(steps: Mapping[str, StepSpec]) -> dict[str, object]:
    """What is kept of the steps."""
    return {name: step.stored(n) for n, (name, step) in enumerate(steps.items())}


def check_unknown(steps: Mapping[str, StepSpec]) -> None:
    """Judge a graph without its files: what depends on their formats is left for the run."""
    imports = (name for name, step in steps.items() if step.is_import)
    check_graph(steps, {name: Flow((None,), many=True) for name in imports})
