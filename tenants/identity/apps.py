"""App of the identity row."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    """Tenant-schema app: one row that says whose schema this is."""

    name = "tenants.identity"
    label = "tenant_identity"
