from pathlib import Path

from django.db import migrations

HERE = Path(__file__)


class Migration(migrations.Migration):
    dependencies = [("metering", "0004_first_rate_cards")]

    operations = [
        migrations.RunSQL(
            HERE.with_suffix(".sql").read_text(),
            HERE.with_suffix(".down.sql").read_text(),
        )
    ]
