"""Celery's doors to the dispatcher."""

from celery import shared_task

from core.tenancy import TenantTask
from dispatch import services


@shared_task(name="dispatch.reconcile", base=TenantTask, public=True)
def reconcile() -> None:
    """Take back what was lost."""
    services.reconcile()


@shared_task(name="dispatch.forget_done", base=TenantTask, public=True)
def forget_done() -> None:
    """Delete tickets that ended a while ago."""
    services.forget_done()
