from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("partners", "0004_scopes")]

    # Both stand in partners_use already, by day.
    operations = [
        migrations.RemoveField("partnerkey", "failed_on"),
        migrations.RemoveField("partnerkey", "failures"),
    ]
