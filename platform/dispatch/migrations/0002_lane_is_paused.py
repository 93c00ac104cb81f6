from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="lane",
            name="is_paused",
            field=models.BooleanField(default=False),
        ),
    ]
