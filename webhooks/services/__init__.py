"""Verbs of the webhooks."""

from webhooks.services.attempt_delivery import attempt_delivery
from webhooks.services.keep_endpoints import (
    change_endpoint,
    create_endpoint,
    default_endpoint,
    delete_endpoint,
)
from webhooks.services.plan_deliveries import plan_deliveries

__all__ = [
    "attempt_delivery",
    "change_endpoint",
    "create_endpoint",
    "default_endpoint",
    "delete_endpoint",
    "plan_deliveries",
]
