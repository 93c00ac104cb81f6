"""Celery's door to the relay."""

from celery import shared_task

from core.outbox.services import relay as relay_events
from core.tenancy import TenantTask


@shared_task(name="outbox.relay", base=TenantTask, public=True)
def relay() -> None:
    """Relay what is due."""
    relay_events()
