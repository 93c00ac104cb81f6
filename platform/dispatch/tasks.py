"""Celery's doors to the dispatcher."""

from celery import shared_task

from core.tenancy import TenantTask
from dispatch import services


@shared_task(name="dispatch.reconcile", base=TenantTask, public=True)
def reconcile() -> None:
    """Take back what was lost."""
    services.reconcile()
