"""Celery's doors to the verbs."""

from celery import shared_task

from core.tenancy import TenantTask
from staff import services


@shared_task(name="staff.send_mailing", base=TenantTask, public=True)
def send_mailing(ticket_id: str) -> None:
    """Send the mails of a mailing."""
    services.send_mailing(ticket_id=ticket_id)
