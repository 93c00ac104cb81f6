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


class CleanUp(models.Model):
    """What one sweep of one tenant removed, for staff: no name, no content."""

    schema_name = models.CharField(max_length=63)
    kind = models.CharField(max_length=20)  # expired, orphans
    jobs = models.PositiveIntegerField(default=0)  # whose files went
    files = models.PositiveIntegerField(default=0)
    size_bytes = models.BigIntegerField(default=0)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.at} {self.schema_name} {self.kind} {self.files}"


class RunTime(models.Model):
    """How long one job's engines took. Written when a job completes, folded into RouteTime."""

    route = models.CharField(max_length=200)  # docx>pdf:libreoffice, steps joined by a space
    work = models.JSONField()  # as forecast.work_of counts it
    seconds = models.FloatField()
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.route} {self.seconds} s"


class RouteTime(models.Model):
    """What the newest runs of a route, of its engines (``*:…``) or of the machine (``*``) teach."""

    route = models.CharField(max_length=200, primary_key=True)
    runs = models.JSONField(default=list)  # [[seconds, work…], …], the newest last
    weights = models.JSONField(default=list)  # seconds: constant, then for each unit of work

    def __str__(self) -> str:
        return self.route
