"""Mailings of the staff: one text, and each address once."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower, Now

from core.ids import new_id


def mailing_id() -> str:
    """A new mailing id."""
    return new_id("mlg")


class Mailing(models.Model):
    """A mail to everybody whom a filter found when it was ordered."""

    id = models.CharField(max_length=40, primary_key=True, default=mailing_id, editable=False)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    filter = models.JSONField(default=dict)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.subject


class MailRecipient(models.Model):
    """An address of a mailing, and when it got its mail."""

    mailing = models.ForeignKey(Mailing, on_delete=models.CASCADE, related_name="recipients")
    address = models.EmailField(max_length=254)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("mailing", Lower("address"), name="staff_address_once"),
        ]
        indexes = [
            models.Index(
                fields=["mailing", "id"],
                name="staff_unsent",
                condition=models.Q(sent_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.address} of {self.mailing_id}"
