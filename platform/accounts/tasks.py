"""Celery's doors to the verbs."""

from celery import shared_task

from accounts import services
from core.tenancy import TenantTask


@shared_task(name="accounts.send_verification", base=TenantTask, public=True)
def send_verification(ticket_id: str) -> None:
    """Send a verification mail."""
    services.send_verification(ticket_id=ticket_id)
