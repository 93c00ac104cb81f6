"""People and their refresh tokens."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower

from core.ids import new_id


def user_id() -> str:
    """A new user id."""
    return new_id("usr")


def session_id() -> str:
    """A new refresh token family id."""
    return new_id("ses")


class User(AbstractUser):
    """A person, who may belong to several tenants. Logs in by user name or e-mail address."""

    id = models.CharField(max_length=40, primary_key=True, default=user_id, editable=False)
    email = models.EmailField(max_length=254)
    full_name = models.CharField(max_length=200, blank=True, default="")
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email_verified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="accounts_email_once"),
            models.UniqueConstraint(Lower("username"), name="accounts_username_once"),
        ]

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
    """One login: its refresh token rotates, ``generation`` tells the newest."""

    id = models.CharField(max_length=40, primary_key=True, default=session_id)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="refresh_sessions")
    generation = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.id
