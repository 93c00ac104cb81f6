import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="FileFormat",
            fields=[
                (
                    "code",
                    models.CharField(max_length=20, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=80)),
                ("family", models.CharField(max_length=20)),
                ("extensions", models.JSONField(default=list)),
                ("media_types", models.JSONField(default=list)),
            ],
        ),
        migrations.CreateModel(
            name="RunTime",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("route", models.CharField(max_length=200)),
                ("size_bytes", models.BigIntegerField()),
                ("pages", models.PositiveIntegerField(null=True)),
                ("duration_s", models.FloatField(null=True)),
                ("seconds", models.FloatField()),
                (
                    "at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["route", "-id"], name="conversions_runtime_route")
                ],
            },
        ),
    ]
