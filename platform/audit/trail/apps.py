"""App of the audit trail."""

from django.apps import AppConfig


class TrailConfig(AppConfig):
    """Tenant-schema app: the hash chain of critical changes."""

    name = "audit.trail"
    label = "audit_trail"
