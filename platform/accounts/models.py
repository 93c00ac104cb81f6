"""People, their logins, ways in from elsewhere, mails that are due, exports of their data."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower, Now

from core.ids import new_id


def user_id() -> str:
    """A new user id."""
    return new_id("usr")


def session_id() -> str:
    """A new refresh token family id."""
    return new_id("ses")


def mail_order_id() -> str:
    """A new mail order id."""
    return new_id("mail")


def export_id() -> str:
    """A new export id."""
    return new_id("exp")


class User(AbstractUser):
    """A person, who may belong to several tenants. Logs in by user name or e-mail address.

    An address belongs to one *verified* account (ADR 0018): until somebody proves it, claims may
    stand side by side, so that registering tells nobody whether the address is known.
    """

    id = models.CharField(max_length=40, primary_key=True, default=user_id, editable=False)
    email = models.EmailField(max_length=254)
    full_name = models.CharField(max_length=200, blank=True, default="")
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email_verified_at = models.DateTimeField(null=True, blank=True)
    pending_email = models.EmailField(max_length=254, blank=True, default="")
    locale = models.CharField(max_length=20, default="en")
    timezone = models.CharField(max_length=64, default="UTC")
    avatar = models.CharField(max_length=40, blank=True, default="")  # unguessable; empty: none
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="accounts_verified_email_once",
                condition=models.Q(email_verified_at__isnull=False),
            ),
            models.UniqueConstraint(Lower("username"), name="accounts_username_once"),
        ]
        indexes = [models.Index(Lower("email"), name="accounts_email")]

    @property
    def is_verified(self) -> bool:
        """Whether the address was proven."""
        return self.email_verified_at is not None


class RecoveryCode(models.Model):
    """A way in without the second factor, once; only its hash is stored."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "digest"], name="accounts_recovery_once"),
        ]

    def __str__(self) -> str:
        return f"of {self.user_id}"


class RefreshSession(models.Model):
    """One login, by token or by cookie. The refresh token rotates: ``generation`` is the newest."""

    id = models.CharField(max_length=40, primary_key=True, default=session_id)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="refresh_sessions")
    generation = models.PositiveIntegerField(default=0)
    browser_key = models.CharField(max_length=40, blank=True, default="")  # of Django's session
    address = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=200, blank=True, default="")
    mfa_at = models.DateTimeField(null=True)  # when this login proved a second factor
    created_at = models.DateTimeField(auto_now_add=True)
    refreshed_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.id


class ExternalIdentity(models.Model):
    """A person at an OpenID provider: ``subject`` is theirs for ever, an address may change."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    email = models.EmailField(max_length=254, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="accounts_identity_once"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"


class MailOrder(models.Model):
    """A mail that is due; the row goes when the mail has gone."""

    id = models.CharField(max_length=40, primary_key=True, default=mail_order_id)
    kind = models.CharField(max_length=30)
    address = models.EmailField(max_length=254)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="mail_orders")
    facts = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class ExportState(models.TextChoices):
    """Of an export."""

    PENDING = "pending"
    READY = "ready"
    EXPIRED = "expired"


class DataExport(models.Model):
    """Everything held about a person, as one archive that can be fetched for some days."""

    id = models.CharField(max_length=40, primary_key=True, default=export_id)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="exports")
    state = models.CharField(
        max_length=10, choices=ExportState.choices, default=ExportState.PENDING
    )
    size_bytes = models.PositiveBigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                name="accounts_one_pending_export",
                condition=models.Q(state="pending"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.state}"
