"""Bare ninja routes, no middleware, no auth: what `GET jobs/{id}/` is held against.

`/hello/` answers a constant; `/row/` reads the same row of the same database, by one SELECT.
"""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest
from django.urls import path

from core.env import env

conf = env().database
settings.configure(
    SECRET_KEY="hello" * 10,
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[],
    INSTALLED_APPS=["ninja"],
    USE_I18N=False,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": conf.host,
            "PORT": conf.port,
            "NAME": conf.name,
            "USER": conf.user,
            "PASSWORD": conf.password.get_secret_value(),
            "OPTIONS": {"pool": {"min_size": 1, "max_size": conf.pool_size or 12}},
        }
    },
)
application = get_wsgi_application()

from django.db import connection  # noqa: E402 - needs the settings
from ninja import NinjaAPI  # noqa: E402

api = NinjaAPI(docs_url=None, openapi_url=None)


@api.get("/hello/")
def hello(request: HttpRequest) -> dict[str, str]:
    """The least that ninja can answer."""
    return {"hello": "world"}


@api.get("/row/{schema}/{job}/")
def row(request: HttpRequest, schema: str, job: str) -> dict[str, object]:
    """One job, as the database has it."""
    table = f"{connection.ops.quote_name(schema)}.conversions_job"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} WHERE id = %s", [job])  # noqa: S608 - quoted
        found = cursor.fetchone()
        names = [column[0] for column in cursor.description or ()]
    return dict(zip(names, map(str, found or ()), strict=False))


urlpatterns = [path("", api.urls)]
