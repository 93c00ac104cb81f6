"""`manage.py find_orphans [--fix]`: storage against rows, in every tenant."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from conversions import services
from core.tenancy import in_tenant
from tenants.queries import every_schema


class Command(BaseCommand):
    """Lists files without a row and jobs without a file; with --fix it puts them right."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """--fix, --older-hours."""
        parser.add_argument("--fix", action="store_true")
        parser.add_argument("--older-hours", type=float, default=6.0)

    def handle(self, *args: Any, fix: bool, older_hours: float, **options: Any) -> None:
        """Every tenant, then uploads that nobody took."""
        files = jobs = 0
        for schema_name in every_schema():
            with in_tenant(schema_name):
                found = services.find_orphans(fix=fix, older_hours=older_hours)
            for key in found.files:
                self.stdout.write(f"file without row: {key}")
            for job_id in found.jobs:
                self.stdout.write(f"job without file: {schema_name} {job_id}")
            files, jobs = files + len(found.files), jobs + len(found.jobs)
        left = services.sweep_incoming(fix=fix, older_hours=older_hours)
        done = "removed or marked" if fix else "found"
        self.stdout.write(f"{done}: files={files} jobs={jobs} uploads={len(left)}")
