from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("partners", "0003_use")]

    operations = [
        migrations.RemoveConstraint("PartnerKey", "partners_key_scopes_known"),
        migrations.AddConstraint(
            "PartnerKey",
            models.CheckConstraint(
                condition=models.Q(
                    (
                        "scopes__contained_by",
                        [
                            "report_by_code",
                            "report_by_data",
                            "listing_check",
                            "link_status",
                        ],
                    ),
                    ("scopes__len__gt", 0),
                ),
                name="partners_key_scopes_known",
            ),
        ),
    ]
