"""Celery's doors to the verbs."""

from celery import shared_task

from accounts import services
from core.tenancy import TenantTask


@shared_task(name="accounts.send_mail", base=TenantTask, public=True)
def send_mail(ticket_id: str) -> None:
    """Send a mail that was ordered."""
    services.send_mail(ticket_id=ticket_id)


@shared_task(name="accounts.make_export", base=TenantTask, public=True)
def make_export(ticket_id: str) -> None:
    """Write an archive of somebody's data."""
    services.make_export(ticket_id=ticket_id)


@shared_task(name="accounts.tidy", base=TenantTask, public=True)
def tidy() -> None:
    """Delete what is over."""
    services.tidy()
