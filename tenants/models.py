"""Tenants, their hosts, roles, members, keys; schemas kept ready and the state of the fleet."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.crypto import get_random_string
from django_tenants.models import DomainMixin, TenantMixin
from rest_framework_api_key.crypto import KeyGenerator
from rest_framework_api_key.models import AbstractAPIKey, BaseAPIKeyManager

from core.ids import new_id
from tenants.terms import checksum


def tenant_id() -> str:
    """A new tenant id."""
    return new_id("ten")


def key_id() -> str:
    """A new key id."""
    return new_id("key")


def membership_id() -> str:
    """A new membership id."""
    return new_id("mem")


def role_id() -> str:
    """A new role id."""
    return new_id("rol")


def invitation_id() -> str:
    """A new invitation id."""
    return new_id("inv")


class Tenant(TenantMixin):  # type: ignore[misc]
    """A customer. The limits are billing's word, copied here so that each request knows them."""

    auto_create_schema = False
    auto_drop_schema = False

    id = models.CharField(max_length=40, primary_key=True, default=tenant_id, editable=False)
    slug = models.CharField(max_length=50, unique=True)
    name = models.CharField(max_length=200)
    plan_code = models.CharField(max_length=30, default="free")
    requests_per_hour = models.PositiveIntegerField(null=True, default=1000)
    upload_bytes = models.BigIntegerField(null=True, default=100_000_000)
    branding = models.JSONField(default=dict)
    retention_hours = models.PositiveIntegerField(null=True)  # None: as the plan says
    allowed_formats = ArrayField(models.CharField(max_length=20), null=True)  # None: every one
    require_mfa = models.BooleanField(default=False)
    suspended_at = models.DateTimeField(null=True)
    suspended_reason = models.CharField(max_length=300, default="")
    purge_at = models.DateTimeField(null=True)  # deletion was asked for: gone after this
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(
                fields=["purge_at"],
                name="tenants_to_purge",
                condition=models.Q(purge_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def status(self) -> str:
        """``active``, ``suspended`` or ``deleting``."""
        if self.purge_at is not None:
            return "deleting"
        return "suspended" if self.suspended_at is not None else "active"


class Domain(DomainMixin):  # type: ignore[misc]
    """A host name of a tenant."""


class Role(models.Model):
    """A named set of permissions in a tenant. The built-in ones are rows like any other."""

    id = models.CharField(max_length=40, primary_key=True, default=role_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="roles")
    name = models.CharField(max_length=40)
    description = models.CharField(max_length=200, default="")
    permissions = ArrayField(models.CharField(max_length=40))
    is_builtin = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint("tenant", Lower("name"), name="tenants_role_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.tenant_id}"


class Membership(models.Model):
    """A person in a tenant, with a role."""

    id = models.CharField(max_length=40, primary_key=True, default=membership_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.ForeignKey(Role, on_delete=models.RESTRICT, related_name="memberships")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], name="tenants_member_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.tenant_id}"


class Invitation(models.Model):
    """An address asked into a tenant. The mail's token is signed and names id and nonce."""

    id = models.CharField(max_length=40, primary_key=True, default=invitation_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(max_length=254)
    role = models.ForeignKey(Role, on_delete=models.RESTRICT, related_name="invitations")
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    nonce = models.CharField(max_length=32)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "tenant",
                Lower("email"),
                name="tenants_invited_once",
                condition=models.Q(accepted_at__isnull=True, revoked_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} to {self.tenant_id}"


class FilemillKeyGenerator(KeyGenerator):
    """``fm_live_<8>.<32><6>``: environment, public prefix, secret, checksum."""

    def __init__(self, environment: str = "live") -> None:
        super().__init__(prefix_length=8, secret_key_length=32)
        self.environment = environment

    def get_prefix(self) -> str:
        """The part that may be shown."""
        return f"fm_{self.environment}_{get_random_string(self.prefix_length)}"

    def generate(self) -> tuple[str, str, str]:
        """Key, prefix, hash of the key."""
        prefix = self.get_prefix()
        body = f"{prefix}.{self.get_secret_key()}"
        key = body + checksum(body)
        return key, prefix, self.hash(key)


class ApiKeyManager(BaseAPIKeyManager):
    """Makes keys with ids of ours instead of ids that hold the hash."""

    key_generator = FilemillKeyGenerator()

    def assign_key(self, obj: Any) -> str:
        """Fill in a new key's fields; returns the key, which is stored nowhere."""
        generator = FilemillKeyGenerator("test" if obj.is_test else "live")
        key, prefix, hashed_key = generator.generate()
        obj.id, obj.prefix, obj.hashed_key = key_id(), prefix, hashed_key
        return key


class ApiKey(AbstractAPIKey):
    """A key of a tenant; only its hash is stored."""

    objects: ClassVar[ApiKeyManager] = ApiKeyManager()  # type: ignore[assignment]

    id = models.CharField(max_length=40, primary_key=True, default=key_id, editable=False)
    prefix = models.CharField(max_length=20, unique=True, editable=False)
    name = models.CharField(max_length=100)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="api_keys")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="api_keys"
    )  # the tenant's key outlives its maker
    is_test = models.BooleanField(default=False)
    scopes = ArrayField(models.CharField(max_length=40))
    allowed_ips = ArrayField(models.CharField(max_length=43), default=list)  # CIDR; none: all
    retention_hours = models.PositiveIntegerField(null=True)  # of results; None: no own wish
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    replaced_by = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="replaces"
    )

    class Meta:
        ordering = ["-id"]


class KeyUsage(models.Model):
    """Requests of a key on a day (UTC); beat writes it from the tally in Redis."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="usage")
    day = models.DateField()
    requests = models.PositiveBigIntegerField(default=0)
    errors = models.PositiveBigIntegerField(default=0)  # answers of 400 and above

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "day"], name="tenants_usage_once")]

    def __str__(self) -> str:
        return f"{self.key_id} {self.day} {self.requests}"


class CountedBatch(models.Model):
    """A batch of the tally that is in the rows, so that none is added twice."""

    id = models.CharField(max_length=40, primary_key=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.id


class ReadySchema(models.Model):
    """An empty, migrated schema that waits for its tenant."""

    schema_name = models.CharField(max_length=63, primary_key=True)
    head = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.schema_name


class FleetState(models.Model):
    """Where each tenant schema stands: the migration state it has, and how it got there."""

    schema_name = models.CharField(max_length=63, primary_key=True)
    head = models.CharField(max_length=64)
    status = models.CharField(max_length=20, default="ready")
    changed_at = models.DateTimeField(auto_now=True)
    error = models.TextField(default="")

    def __str__(self) -> str:
        return f"{self.schema_name} {self.status}"


class PurgedSchema(models.Model):
    """A schema that is gone for good; swept again for a while, for what late workers left."""

    schema_name = models.CharField(max_length=63, primary_key=True)
    purged_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.schema_name


class TemplateDump(models.Model):
    """The SQL of an empty tenant schema at a migration state, with a placeholder for its name."""

    head = models.CharField(max_length=64, primary_key=True)
    sql = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.head
