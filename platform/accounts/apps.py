"""App of the people."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Public-schema app."""

    name = "accounts"
