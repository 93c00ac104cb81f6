"""What all tenants share: the formats, and how long conversions took (no name, no content)."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class FileFormat(models.Model):
    """One format of `inspection.formats`, for those who want to join on it."""

    code = models.CharField(max_length=20, primary_key=True)
    name = models.CharField(max_length=80)
    family = models.CharField(max_length=20)
    extensions = models.JSONField(default=list)
    media_types = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.code


class RunTime(models.Model):
    """How long one job's engines took. Written when a job completes; quotes learn from it."""

    route = models.CharField(max_length=200)  # docx>pdf:libreoffice, steps joined by a space
    size_bytes = models.BigIntegerField()
    pages = models.PositiveIntegerField(null=True)
    duration_s = models.FloatField(null=True)
    seconds = models.FloatField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["route", "-id"], name="conversions_runtime_route")]

    def __str__(self) -> str:
        return f"{self.route} {self.seconds} s"
