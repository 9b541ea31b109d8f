from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("metering", "0006_notice_outbox_and_brakes")]

    operations = [
        migrations.CreateModel(
            name="LedgerCheck",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("started_at", models.DateTimeField(verbose_name="started at")),
                ("finished_at", models.DateTimeField(verbose_name="finished at")),
                ("ok", models.BooleanField(verbose_name="verified")),
                ("findings", models.PositiveIntegerField(verbose_name="findings")),
                (
                    "first_findings",
                    models.TextField(blank=True, default="", verbose_name="first findings"),
                ),
            ],
            options={
                "verbose_name": "ledger check",
                "verbose_name_plural": "ledger checks",
            },
        ),
    ]
