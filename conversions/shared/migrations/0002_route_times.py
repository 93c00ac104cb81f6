import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversions_shared", "0001_initial")]

    operations = [
        migrations.DeleteModel(name="RunTime"),
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
                ("work", models.JSONField()),
                ("seconds", models.FloatField()),
                (
                    "at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RouteTime",
            fields=[
                ("route", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("runs", models.JSONField(default=list)),
                ("weights", models.JSONField(default=list)),
            ],
        ),
    ]
