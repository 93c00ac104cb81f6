"""The web process: WSGI, many light threads over a small connection pool."""

import os
from threading import Thread

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")  # noqa: TID251 - an entry point

from django.core.cache import close_caches
from django.core.signals import request_finished
from django.core.wsgi import get_wsgi_application

django_application = get_wsgi_application()

from config.celery import app as celery_application  # noqa: E402 - becomes the current one
from config.safety import check_database  # noqa: E402
from conversions.catalog import offered  # noqa: E402

request_finished.disconnect(close_caches)  # ours keep their clients: nothing would be closed
check_database()
celery_application.finalize()
# What is offered takes a second to work out over thousands of pairs: not in the first request.
Thread(target=offered, daemon=True).start()
application = django_application
