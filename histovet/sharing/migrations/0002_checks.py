from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0001_links"),
    ]

    operations = [
        migrations.CreateModel(
            name="Check",
            fields=[
                ("opening", models.BinaryField(primary_key=True, serialize=False)),
                ("failed", models.SmallIntegerField()),
                ("expires_at", models.DateTimeField()),
            ],
            options={
                "db_table": "sharing_check",
            },
        ),
        migrations.AddField(
            model_name="link",
            name="checks_failed",
            field=models.SmallIntegerField(db_default=0),
        ),
        migrations.AddConstraint(
            model_name="link",
            constraint=models.CheckConstraint(
                condition=models.Q(("checks_failed__range", (0, 50))),
                name="sharing_link_checks_within_limit",
            ),
        ),
        migrations.AddConstraint(
            model_name="check",
            constraint=models.CheckConstraint(
                condition=models.Q(("failed__range", (1, 5))),
                name="sharing_check_within_limit",
            ),
        ),
    ]
