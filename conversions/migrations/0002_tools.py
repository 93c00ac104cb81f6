from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversions", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="job",
            name="kind",
            field=models.CharField(default="convert", max_length=40),
        ),
        migrations.AddField(
            model_name="job", name="inputs", field=models.JSONField(default=list)
        ),
        migrations.AddField(
            model_name="job", name="extra_bytes", field=models.BigIntegerField(default=0)
        ),
        migrations.AddField(
            model_name="step", name="part", field=models.PositiveSmallIntegerField(null=True)
        ),
    ]
