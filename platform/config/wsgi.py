"""The web process: WSGI, many light threads over a small connection pool."""

from __future__ import annotations

import os
from collections.abc import Iterable
from threading import Thread
from typing import TYPE_CHECKING

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")  # noqa: TID251 - an entry point

from django.core.cache import close_caches
from django.core.signals import request_finished
from django.core.wsgi import get_wsgi_application

django_application = get_wsgi_application()

from config.celery import app as celery_application  # noqa: E402 - becomes the current one
from config.safety import check_database  # noqa: E402
from conversions.catalog import offered  # noqa: E402

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
PIECE_BYTES = 1 << 16

request_finished.disconnect(close_caches)  # ours keep their clients: nothing would be closed
check_database()
celery_application.finalize()
# What is offered takes a second to work out over thousands of pairs: not in the first request.
Thread(target=offered, daemon=True).start()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answers when the whole body was taken, read or not.

    A refusal sent before makes the server end the connection under the front's hands, which then
    knows no answer (503), or leaves the rest of the body where the next request should be.
    """
    answer = django_application(environ, start_response)
    if environ.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ:
        while environ["wsgi.input"].read(PIECE_BYTES):
            pass
    return answer
