"""App of the activity log."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Public-schema app; the trail itself is ``audit.trail``, in each tenant's schema."""

    name = "audit"
