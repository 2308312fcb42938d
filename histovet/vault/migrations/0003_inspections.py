from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vault", "0002_records")]

    operations = [
        migrations.AddField(
            model_name="release",
            name="inspections_as_of",
            field=models.DateField(null=True),
        ),
        migrations.RunSQL(
            "UPDATE vault_schema SET version = 2", "UPDATE vault_schema SET version = 1"
        ),
    ]
