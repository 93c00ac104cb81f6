"""Celery's doors to the verbs."""

from celery import shared_task

from conversions import services
from core.queue import send
from core.tenancy import TenantTask
from tenants.queries import every_schema


@shared_task(name="conversions.run_job", base=TenantTask)
def run_job(ticket_id: str) -> None:
    """Run the job of a ticket."""
    services.run_job(ticket_id=ticket_id)


@shared_task(name="conversions.cancel_open", base=TenantTask, public=True)
def cancel_open(ticket_id: str) -> None:
    """Cancel every open job of a tenant that was closed."""
    services.cancel_open(ticket_id=ticket_id)


@shared_task(name="conversions.learn", base=TenantTask, public=True)
def learn() -> None:
    """Fold the run times of jobs into what quotes know."""
    services.fold_runs()


@shared_task(name="conversions.advance_pipeline", base=TenantTask)
def advance_pipeline(ticket_id: str) -> None:
    """Start what can start in a pipeline's run."""
    services.advance_pipeline(ticket_id=ticket_id)


@shared_task(name="conversions.cancel_batch", base=TenantTask)
def cancel_batch(ticket_id: str) -> None:
    """Cancel what a request to cancel a batch has left."""
    services.go_on_canceling(ticket_id=ticket_id)


@shared_task(name="conversions.expire", base=TenantTask)
def expire() -> None:
    """Expire what is due in one tenant."""
    services.expire_jobs()


@shared_task(name="conversions.find_orphans", base=TenantTask)
def find_orphans() -> None:
    """Remove a tenant's stray files, mark jobs whose result is gone."""
    services.find_orphans(fix=True)


@shared_task(name="conversions.find_orphans_everywhere", base=TenantTask, public=True)
def find_orphans_everywhere() -> None:
    """Fan out to every tenant; uploads that nobody took and dead attempts' folders go at once."""
    services.sweep_incoming(fix=True)
    services.sweep_work()
    for schema_name in every_schema():
        send("conversions.find_orphans", queue="io", schema_name=schema_name)


@shared_task(name="conversions.expire_everywhere", base=TenantTask, public=True)
def expire_everywhere() -> None:
    """Fan out to every tenant."""
    for schema_name in every_schema():
        send("conversions.expire", queue="io", schema_name=schema_name)
