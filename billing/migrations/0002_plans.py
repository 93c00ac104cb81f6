"""The four plans of API.md."""

from dataclasses import asdict

from django.db import migrations

from billing.terms import PLANS


def make_plans(apps, schema_editor):
    Plan = apps.get_model("billing", "Plan")
    for position, terms in enumerate(PLANS):
        fields = asdict(terms) | {"position": position, "features": list(terms.features)}
        Plan.objects.update_or_create(code=fields.pop("code"), defaults=fields)


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [migrations.RunPython(make_plans, migrations.RunPython.noop)]
