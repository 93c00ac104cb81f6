"""The realtime process: ASGI, one event loop over a few threads with the database."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")  # noqa: TID251 - an entry point

import django

django.setup()

from config.safety import check_database  # noqa: E402
from realtime.app import Realtime  # noqa: E402

check_database()
application = Realtime()
