"""Every address."""

from __future__ import annotations

from django.urls import path

from config.api import api, wish
from config.openapi import docs, redoc, swagger
from conversions.pages import waited
from staff.admin import site as admin
from web.account_pages import accept_invitation, reset_password, second_factor
from web.health import basic, celery, database, detailed, engines, redis
from web.pages import home, not_found, problem, server_error, verify_email

urlpatterns = [
    path("", home),
    path("api/v1/", api.urls),
    path("api/", wish.urls),
    path("_waited/<str:ticket>", waited),
    path("swagger.json", swagger),
    path("docs/", docs),
    path("admin/", admin.urls),
    path("redoc/", redoc),
    path("problems/<slug:code>", problem),
    path("problems/<slug:code>/", problem),
    path("verify-email/", verify_email),
    path("reset-password/", reset_password),
    path("second-factor/", second_factor),
    path("invitations/accept/", accept_invitation),
    path("health/", basic),
    path("health/detailed/", detailed),
    path("health/database/", database),
    path("health/redis/", redis),
    path("health/celery/", celery),
    path("health/engines/", engines),
]
handler404 = not_found
handler500 = server_error
