"""`manage.py prepare_schemas`: what a deploy runs after the public schema is migrated."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

import dispatch.services as dispatch
from tenants.services.keep_roles import refresh_builtin_roles
from tenants.services.migrate_fleet import migrate_fleet
from tenants.services.provision_schema import keep_ready, template_sql


class Command(BaseCommand):
    """Template, ready schemas, and every tenant schema whose head differs. Resumable."""

    help = "Make the template's dump, fill the stock of ready schemas, migrate the fleet."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it."""
        dispatch.ensure_public_lane()
        refresh_builtin_roles()
        template_sql()
        migrated, failed = migrate_fleet()
        made = keep_ready()
        self.stdout.write(f"{migrated} schemas migrated, {failed} failed, {made} made ready")
