"""A bare ninja "hello", no middleware, no database: what `GET jobs/{id}/` is held against."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest
from django.urls import path

settings.configure(
    SECRET_KEY="hello" * 10,
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[],
    INSTALLED_APPS=["ninja"],
    USE_I18N=False,
)
application = get_wsgi_application()

from ninja import NinjaAPI  # noqa: E402 - needs the settings

api = NinjaAPI(docs_url=None, openapi_url=None)


@api.get("/hello/")
def hello(request: HttpRequest) -> dict[str, str]:
    """The least that ninja can answer."""
    return {"hello": "world"}


urlpatterns = [path("", api.urls)]
