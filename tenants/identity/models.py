"""One row in each tenant schema that names it: compared with the resolved tenant."""

from django.db import models


class Identity(models.Model):
    """Whose schema this is. Exactly one row."""

    only = models.BooleanField(primary_key=True, default=True)
    schema_name = models.CharField(max_length=63)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(only=True), name="identity_one")]

    def __str__(self) -> str:
        return self.schema_name
