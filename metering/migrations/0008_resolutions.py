from pathlib import Path

from django.db import migrations, models

HERE = Path(__file__)


class Migration(migrations.Migration):
    dependencies = [("metering", "0007_ledger_check")]

    operations = [
        migrations.RunSQL(
            HERE.with_suffix(".sql").read_text(),
            HERE.with_suffix(".down.sql").read_text(),
        ),
        migrations.CreateModel(
            name="StaffNotice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("job_id", models.UUIDField(verbose_name="job")),
                ("kind", models.CharField(max_length=32, verbose_name="why")),
                ("created_at", models.DateTimeField(verbose_name="told at")),
            ],
            options={
                "verbose_name": "notice to staff",
                "verbose_name_plural": "notices to staff",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("job_id", "kind"), name="staff_notice_once_a_job_and_kind"
                    )
                ],
            },
        ),
    ]
