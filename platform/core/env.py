"""Typed settings: one frozen tree, read once from the environment and ``.env``.

The flat names of the first wish (SECRET_KEY, DB_HOST, REDIS_URL, …) are the names. A missing or bad
value stops the process with that name and the reason. ``os.environ`` is read nowhere else.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[2]
CommaList = Annotated[tuple[str, ...], NoDecode]


class Group(BaseSettings):
    """Base of every group: frozen, names as in the environment, unknown names ignored."""

    model_config = SettingsConfigDict(
        env_file=ROOT / ".env", extra="ignore", frozen=True, populate_by_name=True
    )


def split_commas(value: Any) -> Any:
    """``"a, b"`` → ``("a", "b")``; anything else unchanged."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


class Site(Group):
    """What the product is called from outside, and how strict it is."""

    secret_key: SecretStr = Field(validation_alias="SECRET_KEY")  # ≥ 32 characters
    debug: bool = Field(default=False, validation_alias="DEBUG")
    allowed_hosts: CommaList = Field(
        default=("localhost", ".localhost", "127.0.0.1"), validation_alias="ALLOWED_HOSTS"
    )  # comma separated
    base_domain: str = Field(default="localhost", validation_alias="BASE_DOMAIN")
    public_url: str = Field(default="http://localhost:8000", validation_alias="PUBLIC_URL")
    trust_forwarded: bool = Field(
        default=False, validation_alias="TRUST_FORWARDED"
    )  # our own proxy
    waiting_room: bool = Field(
        default=False, validation_alias="WAITING_ROOM"
    )  # our front takes waiting requests to the realtime process
    static_folder: Path = Field(default=ROOT / "var/static", validation_alias="STATIC_DIR")
    sentry_dsn: SecretStr = Field(default=SecretStr(""), validation_alias="SENTRY_DSN")
    log_level: str = Field(default="INFO", validation_alias="LOG_LEVEL")

    _hosts = field_validator("allowed_hosts", mode="before")(split_commas)

    @field_validator("secret_key")
    @classmethod
    def long_enough(cls, value: SecretStr) -> SecretStr:
        """Refuse keys that can be guessed."""
        if len(value.get_secret_value()) < 32:
            raise ValueError("must have at least 32 characters")
        return value


class Database(Group):
    """PostgreSQL. ``DB_HOST`` may be a socket folder."""

    engine: Literal["django.db.backends.postgresql"] = Field(
        default="django.db.backends.postgresql", validation_alias="DB_ENGINE"
    )
    host: str = Field(validation_alias="DB_HOST")
    port: int = Field(default=5432, ge=1, le=65535, validation_alias="DB_PORT")
    name: str = Field(default="filemill", validation_alias="DB_NAME")
    user: str = Field(default="filemill", validation_alias="DB_USER")
    password: SecretStr = Field(default=SecretStr(""), validation_alias="DB_PASSWORD")
    pool_size: int = Field(default=12, ge=0, le=200, validation_alias="DB_POOL_SIZE")  # 0: no pool
    pool_max_age_s: int = Field(default=1800, ge=30, validation_alias="DB_POOL_MAX_AGE")  # seconds


class Redis(Group):
    """Redis: cache, rate limits and Celery's doorbell. Nothing in it is the only copy."""

    url: str = Field(validation_alias="REDIS_URL")
    broker_url: str = Field(default="", validation_alias="CELERY_BROKER_URL")  # empty: REDIS_URL
    result_backend: str = Field(default="", validation_alias="CELERY_RESULT_BACKEND")  # unused


class Storage(Group):
    """Where files lie. Object storage joins with the storage connections."""

    folder: Path = Field(default=ROOT / "var/storage", validation_alias="STORAGE_DIR")
    work_folder: Path = Field(default=ROOT / "var/work", validation_alias="WORK_DIR")
    x_accel: bool = Field(default=False, validation_alias="X_ACCEL")  # nginx sends the files
    aws_access_key_id: SecretStr = Field(
        default=SecretStr(""), validation_alias="AWS_ACCESS_KEY_ID"
    )
    aws_secret_access_key: SecretStr = Field(
        default=SecretStr(""), validation_alias="AWS_SECRET_ACCESS_KEY"
    )
    aws_bucket: str = Field(default="", validation_alias="AWS_STORAGE_BUCKET_NAME")
    aws_region: str = Field(default="", validation_alias="AWS_S3_REGION_NAME")

    @field_validator("aws_bucket")
    @classmethod
    def not_yet(cls, value: str) -> str:
        """A bucket that would silently stay empty is worse than a refusal."""
        if value:
            raise ValueError("object storage is not built yet: leave it empty, use STORAGE_DIR")
        return value


class Email(Group):
    """Outgoing mail: files in ``MAIL_DIR``, else SMTP at ``EMAIL_HOST``, else stdout."""

    folder: Path | None = Field(default=None, validation_alias="MAIL_DIR")
    host: str = Field(default="", validation_alias="EMAIL_HOST")
    port: int = Field(default=587, validation_alias="EMAIL_PORT")
    user: str = Field(default="", validation_alias="EMAIL_HOST_USER")
    password: SecretStr = Field(default=SecretStr(""), validation_alias="EMAIL_HOST_PASSWORD")
    use_tls: bool = Field(default=True, validation_alias="EMAIL_USE_TLS")
    sender: str = Field(default="Filemill <noreply@localhost>", validation_alias="EMAIL_FROM")


class Dispatch(Group):
    """Leases and windows of the queue. In order: engine time < lease < visibility timeout."""

    lease_s: int = Field(default=15, ge=5, validation_alias="DISPATCH_LEASE_SECONDS")
    resend_s: int = Field(default=20, ge=2, validation_alias="DISPATCH_RESEND_SECONDS")
    keep_done_s: int = Field(
        default=3600, ge=0, validation_alias="DISPATCH_KEEP_DONE_SECONDS"
    )  # of tickets; jobs, events and deliveries keep what happened
    window_convert: int = Field(
        default=4, ge=1, validation_alias="DISPATCH_WINDOW_CONVERT"
    )  # tickets
    window_office: int = Field(default=2, ge=1, validation_alias="DISPATCH_WINDOW_OFFICE")
    window_media: int = Field(default=2, ge=1, validation_alias="DISPATCH_WINDOW_MEDIA")
    window_io: int = Field(default=32, ge=1, validation_alias="DISPATCH_WINDOW_IO")
    max_waiting: int = Field(
        default=100_000, ge=1, validation_alias="DISPATCH_MAX_WAITING"
    )  # jobs of all tenants; then 503 queue_full
    max_waiting_tenant: int = Field(
        default=20_000, ge=1, validation_alias="DISPATCH_MAX_WAITING_TENANT"
    )  # jobs of one tenant


class Limits(Group):
    """What no plan can lift."""

    job_s: int = Field(
        default=600, ge=5, validation_alias="JOB_MAX_SECONDS"
    )  # wall clock, one step
    upload_bytes: int = Field(default=2_147_483_648, validation_alias="UPLOAD_MAX_BYTES")
    sandbox_required: bool = Field(default=True, validation_alias="SANDBOX_REQUIRED")
    webhook_allow_hosts: CommaList = Field(default=(), validation_alias="WEBHOOK_ALLOW_HOSTS")
    webhook_retry_scale: float = Field(default=1.0, gt=0, validation_alias="WEBHOOK_RETRY_SCALE")
    ready_schemas: int = Field(default=3, ge=0, le=100, validation_alias="READY_SCHEMAS")

    _hosts = field_validator("webhook_allow_hosts", mode="before")(split_commas)


class OpenIdProvider(BaseModel):
    """Where people may log in from. ``issuer`` is its address, exactly as its tokens say it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9-]{1,30}$")
    label: str = ""
    issuer: str
    client_id: str
    client_secret: SecretStr


class OpenId(Group):
    """Sign-in by OpenID Connect: Google by its two names, any others as JSON."""

    google_client_id: str = Field(default="", validation_alias="GOOGLE_CLIENT_ID")
    google_client_secret: SecretStr = Field(
        default=SecretStr(""), validation_alias="GOOGLE_CLIENT_SECRET"
    )
    others: tuple[OpenIdProvider, ...] = Field(default=(), validation_alias="OIDC_PROVIDERS")
    allow_hosts: CommaList = Field(default=(), validation_alias="OIDC_ALLOW_HOSTS")

    _hosts = field_validator("allow_hosts", mode="before")(split_commas)

    @property
    def providers(self) -> dict[str, OpenIdProvider]:
        """By name; Google first when it is configured."""
        found = {provider.name: provider for provider in self.others}
        if not self.google_client_id:
            return found
        google = OpenIdProvider(
            name="google",
            label="Google",
            issuer="https://accounts.google.com",
            client_id=self.google_client_id,
            client_secret=self.google_client_secret,
        )
        return {"google": google} | found


class Env(Group):
    """The whole tree."""

    site: Site
    database: Database
    redis: Redis
    storage: Storage
    email: Email
    dispatch: Dispatch
    limits: Limits
    open_id: OpenId


class BadSettings(SystemExit):
    """Raised at start: the text names every missing or wrong setting."""


GROUPS: dict[str, type[Group]] = {
    "site": Site,
    "database": Database,
    "redis": Redis,
    "storage": Storage,
    "email": Email,
    "dispatch": Dispatch,
    "limits": Limits,
    "open_id": OpenId,
}


def alias_of(group: type[Group], field: str) -> str:
    """The environment's name of a field."""
    info = group.model_fields.get(field)
    return str(info.validation_alias) if info and info.validation_alias else field.upper()


def complaints(group: type[Group], error: ValidationError) -> list[str]:
    """One line for each missing or wrong name."""
    lines = []
    for problem in error.errors():
        name = str(problem["loc"][0]) if problem["loc"] else group.__name__
        name = alias_of(group, name) if name in group.model_fields else name
        reason = "is missing" if problem["type"] == "missing" else problem["msg"]
        lines.append(f"  {name}: {reason}")
    return lines


def load() -> Env:
    """Read everything, or stop with every complaint at once."""
    parts: dict[str, Group] = {}
    wrong: list[str] = []
    for name, group in GROUPS.items():
        try:
            parts[name] = group()
        except ValidationError as error:
            wrong += complaints(group, error)
    if wrong:
        text = "Filemill can't start, these settings are missing or wrong:\n" + "\n".join(wrong)
        text += "\nSee .env.example; `make serve` sets them all for a local stack."
        sys.stderr.write(text + "\n")
        raise BadSettings(2)
    return Env.model_validate(parts)


@lru_cache(maxsize=1)
def env() -> Env:
    """The settings of this process."""
    return load()
