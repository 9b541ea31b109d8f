from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q

HERE = Path(__file__)


def open_missing_ledgers(apps: Any, schema_editor: Any) -> None:
    """A ledger for whoever was a user before metering was there, or there again."""
    User = apps.get_model(settings.AUTH_USER_MODEL)
    TokenLedger = apps.get_model("metering", "TokenLedger")
    known = TokenLedger.objects.values("user")
    today = datetime.now(ZoneInfo(settings.QUOTA_TIME_ZONE)).date()
    TokenLedger.objects.bulk_create(
        [
            TokenLedger(
                user_id=user_id,
                token_limit=settings.DEFAULT_TOKEN_LIMIT,
                max_in_flight=settings.DEFAULT_MAX_IN_FLIGHT,
                period_start=today.replace(day=1),
            )
            for user_id in User.objects.exclude(pk__in=known).values_list("pk", flat=True)
        ],
        batch_size=1000,
        # Whoever signs up at this moment.
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    """From here on; 0010 looks at the rows that are there already, and keeps nobody waiting."""

    dependencies = [
        ("metering", "0008_resolutions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(open_missing_ledgers, migrations.RunPython.noop),
        # Events before entries, as the verbs lock them.
        AddConstraintNotValid(
            model_name="usageevent",
            constraint=models.CheckConstraint(
                condition=Q(basis__in=["reported", "derived", "estimated"]),
                name="event_basis_known",
            ),
        ),
        migrations.RemoveConstraint(model_name="ledgerentry", name="entry_staff_gives_reason"),
        AddConstraintNotValid(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=Q(kind="charge") | Q(reason__regex=r"\S"),
                name="entry_staff_gives_reason",
            ),
        ),
        AddConstraintNotValid(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "charge",
                        "refund",
                        "adjustment",
                        "grant",
                        "limit",
                        "suspension",
                        "write_off",
                        "resolution",
                    ]
                ),
                name="entry_kind_known",
            ),
        ),
        AddConstraintNotValid(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=~Q(kind="grant") | Q(limit_delta__gt=0), name="entry_grant_gives"
            ),
        ),
        migrations.RunSQL(
            HERE.with_suffix(".sql").read_text(),
            HERE.with_suffix(".down.sql").read_text(),
        ),
    ]
