"""Celery's door to the spool."""

from celery import shared_task

from audit.services import SPOOL
from core.tenancy import TenantTask


@shared_task(name="audit.collect", base=TenantTask, public=True)
def collect() -> None:
    """Adopt what dead processes left in the spool."""
    SPOOL.drain()
