"""Words of the notifications: which events become one, and how they read."""

from __future__ import annotations

from typing import Any

KINDS = ("job.completed", "job.failed", "quota.warning", "quota.exceeded")


def title_of(kind: str, payload: dict[str, Any]) -> str:
    """One sentence."""
    file = payload.get("input", {}).get("filename", "")
    match kind:
        case "job.completed":
            return f"{file} is now {payload['output_format']}"
        case "job.failed":
            return f"{file} could not be converted"
        case "quota.warning":
            return f"{payload['used']} of {payload['limit']} conversions are used"
        case _:
            return f"All {payload['limit']} conversions of this month are used"


def body_of(kind: str, payload: dict[str, Any]) -> str:
    """The reason or the next step; may be empty."""
    if kind == "job.failed":
        return str((payload.get("error") or {}).get("detail", ""))
    if kind.startswith("quota."):
        return "Upgrade the plan, or wait for the next month."
    return ""
