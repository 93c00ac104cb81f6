"""App of the pages."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Pages, templates, health."""

    name = "web"
