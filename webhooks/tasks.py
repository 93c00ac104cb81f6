"""Celery's doors to the verbs."""

from celery import shared_task

from core.tenancy import TenantTask
from webhooks import services


@shared_task(name="webhooks.attempt", base=TenantTask)
def attempt(ticket_id: str) -> None:
    """Attempt the delivery of a ticket."""
    services.attempt_delivery(ticket_id=ticket_id)
