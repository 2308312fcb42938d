from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel(
            name="Maintenance",
            fields=[
                (
                    "the_only",
                    models.BooleanField(
                        db_default=True, primary_key=True, serialize=False
                    ),
                ),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "operation_maintenance",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(the_only=True),
                        name="operation_maintenance_once",
                    )
                ],
            },
        ),
    ]
