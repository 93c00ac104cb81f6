"""Celery's doors to the verbs."""

from celery import shared_task

from core.tenancy import TenantTask
from tenants.services.provision_schema import keep_ready as fill_stock


@shared_task(name="tenants.keep_ready", base=TenantTask, public=True)
def keep_ready() -> None:
    """Fill the stock of ready schemas."""
    fill_stock()
