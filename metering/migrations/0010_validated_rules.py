from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """In a transaction of its own, so that charges go on while all rows are looked at."""

    dependencies = [("metering", "0009_ledger_rules")]

    operations = [
        ValidateConstraint(model_name="usageevent", name="event_basis_known"),
        ValidateConstraint(model_name="ledgerentry", name="entry_staff_gives_reason"),
        ValidateConstraint(model_name="ledgerentry", name="entry_kind_known"),
        ValidateConstraint(model_name="ledgerentry", name="entry_grant_gives"),
        # Last, because it does keep charges waiting: for one look at the events, some seconds.
        migrations.AddIndex(
            model_name="usageevent",
            index=BrinIndex(fields=["created_at"], name="event_recorded"),
        ),
    ]
