"""Django's names for our typed settings. One module for development, tests and production."""

from __future__ import annotations

import re
from typing import Any

import sentry_sdk

from core.env import env

conf = env()

SECRET_KEY = conf.site.secret_key.get_secret_value()
DEBUG = conf.site.debug
ALLOWED_HOSTS = list(conf.site.allowed_hosts)
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False

SHARED_APPS = (
    "django_tenants",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework_api_key",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "ninja",
    "core.outbox",
    "dispatch",
    "audit",
    "accounts",
    "tenants",
    "billing",
    "conversions.shared",
    "staff",
    "web",
)
TENANT_APPS = (
    "tenants.identity",
    "core.idempotency",
    "audit.trail",
    "conversions",
    "webhooks",
    "notifications",
)
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]
TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
# One SET search_path for each tenant entered, not one for each query; the backend forgets what it
# set when a connection is handed back or a transaction rolled back.
TENANT_LIMIT_SET_CALLS = True
DATABASE_ROUTERS = ("django_tenants.routers.TenantSyncRouter",)
AUTH_USER_MODEL = "accounts.User"

MIDDLEWARE = [
    "core.middleware.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.middleware.BrowserSessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "staff.middleware.AdminMiddleware",
    "tenants.middleware.TenantMiddleware",
    "core.idempotency.middleware.IdempotencyMiddleware",
    "audit.middleware.ActivityMiddleware",
]

pool: Any = (
    {
        "min_size": 1,
        "max_size": conf.database.pool_size,
        "timeout": 20,
        "max_lifetime": conf.database.pool_max_age_s,
    }
    if conf.database.pool_size
    else False
)
DATABASES = {
    "default": {
        "ENGINE": "django_tenants.postgresql_backend",
        "HOST": conf.database.host,
        "PORT": conf.database.port,
        "NAME": conf.database.name,
        "USER": conf.database.user,
        "PASSWORD": conf.database.password.get_secret_value(),
        # With the pool Django hands connections back after each request; without, it keeps them.
        "CONN_MAX_AGE": 0 if pool else conf.database.pool_max_age_s,
        # A dead connection costs one 503 that says "try again"; a check costs every request 0.1 ms.
        "CONN_HEALTH_CHECKS": not pool,
        "OPTIONS": {"pool": pool},
    }
}

CACHES = {
    "default": {
        "BACKEND": "core.cache.OneClientCache",
        "LOCATION": conf.redis.url,
        "KEY_FUNCTION": "django_tenants.cache.make_key",
        "REVERSE_KEY_FUNCTION": "django_tenants.cache.reverse_key",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
    },
    # Limits and the dispatcher's marks belong to the platform, so their keys carry no schema.
    "platform": {
        "BACKEND": "core.cache.OneClientCache",
        "LOCATION": conf.redis.url,
        "KEY_PREFIX": "platform",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
    },
}
# The same keys as "platform", counted in one round trip.
CACHES["limits"] = {**CACHES["platform"], "BACKEND": "core.cache.CountingCache"}
# Calls that may wait for a worker: a transaction around them would hide the job from it.
IDEMPOTENCY_OWN_TRANSACTION = re.compile(
    r"^/api/(v1/conversions/(convert|detect|quote)/|v1/tools/|convert/|compress/|edit/|merge/"
    r"|split/|extract/)"
)
RATELIMIT_USE_CACHE = "limits"
SILENCED_SYSTEM_CHECKS = [
    "django_ratelimit.E003",
    "django_ratelimit.W001",  # Redis counts atomically
    *("admin.E408", "admin.E409"),  # staff.middleware has them for /admin/ alone
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_HASHERS = ["core.passwords.BoundedArgon2"]

# Cookies of the dashboard: of one host, never sent by another site's form, secure under https.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = conf.site.public_url.startswith("https://")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600  # seconds, like a refresh token
CSRF_COOKIE_AGE = SESSION_COOKIE_AGE
if conf.site.trust_forwarded:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

OTP_TOTP_ISSUER = "Filemill"
# Seconds of pause after a wrong code, doubled by each further one: a slip of the finger costs
# nothing, the 18th guess eleven minutes.
OTP_TOTP_THROTTLE_FACTOR = 0.005
FILE_UPLOAD_HANDLERS = ["core.uploads.HashingUploadHandler"]
DATA_UPLOAD_MAX_NUMBER_FILES = 1000  # of a batch
DATA_UPLOAD_MAX_MEMORY_SIZE = 50_000_000  # bytes of a JSON body (base64); forms stream past it
STATIC_URL = "/static/"
STATIC_ROOT = conf.site.static_folder
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(conf.storage.folder)},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.csrf",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DEFAULT_FROM_EMAIL = conf.email.sender
EMAIL_HOST, EMAIL_PORT = conf.email.host, conf.email.port
EMAIL_HOST_USER = conf.email.user
EMAIL_HOST_PASSWORD = conf.email.password.get_secret_value()
EMAIL_USE_TLS, EMAIL_TIMEOUT = conf.email.use_tls, 20
if conf.email.folder:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(conf.email.folder)
elif conf.email.host:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
else:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

X_FRAME_OPTIONS = "DENY"
IS_HTTPS = conf.site.public_url.startswith("https://")
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
# Plain http is for probes, which come past the proxy that says how it was called.
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics"]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["out"], "level": "WARNING"},
    "loggers": {
        "filemill": {"level": conf.site.log_level},
        "celery": {"level": "INFO"},
        "django.request": {"level": "CRITICAL"},  # problems log what is ours to fix
        # One line for each message and each beat would drown the rest.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}

if conf.site.sentry_dsn.get_secret_value():
    sentry_sdk.init(dsn=conf.site.sentry_dsn.get_secret_value(), send_default_pii=False)
