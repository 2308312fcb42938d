from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel(
            name="CountOfDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "day",
                        "what",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("what", models.CharField(max_length=20)),
                ("count", models.BigIntegerField()),
            ],
            options={
                "db_table": "usage_count",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(count__gte=0),
                        name="usage_count_not_below_nought",
                    )
                ],
            },
        ),
    ]
