"""The web process: WSGI, many light threads over a small connection pool."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")  # noqa: TID251 - an entry point

from django.core.wsgi import get_wsgi_application  # noqa: E402 - after the settings module is named

django_application = get_wsgi_application()

import config.celery  # noqa: E402 - makes our Celery app the current one
from config.safety import check_database  # noqa: E402

check_database()
assert config.celery.app
application = django_application
