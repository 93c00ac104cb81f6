"""Celery's doors to the verbs."""

from celery import shared_task

from core.tenancy import TenantTask
from tenants import services
from tenants.services.provision_schema import keep_ready as fill_stock


@shared_task(name="tenants.keep_ready", base=TenantTask, public=True)
def keep_ready() -> None:
    """Fill the stock of ready schemas."""
    fill_stock()


@shared_task(name="tenants.purge_deleted", base=TenantTask, public=True)
def purge_deleted() -> None:
    """Purge the tenants whose grace is over."""
    services.purge_deleted()


@shared_task(name="tenants.write_usage", base=TenantTask, public=True)
def write_usage() -> None:
    """Move the counted calls of keys into rows."""
    services.write_usage()


@shared_task(name="tenants.forget_old_usage", base=TenantTask, public=True)
def forget_old_usage() -> None:
    """Forget usage that is older than anybody asks for."""
    services.forget_old_usage()


@shared_task(name="tenants.send_invitation", base=TenantTask, public=True)
def send_invitation(ticket_id: str) -> None:
    """Send an invitation's mail."""
    services.send_invitation(ticket_id=ticket_id)


@shared_task(name="tenants.send_leak_notice", base=TenantTask, public=True)
def send_leak_notice(ticket_id: str) -> None:
    """Tell the owners of a leaked key."""
    services.send_leak_notice(ticket_id=ticket_id)
