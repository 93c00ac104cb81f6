"""App of the tenants."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """Public-schema app."""

    name = "tenants"

    def ready(self) -> None:
        """Tell the accounts what tenants hold about people."""
        from tenants.services.hold_people import register_holder  # noqa: PLC0415 - apps first

        register_holder()
