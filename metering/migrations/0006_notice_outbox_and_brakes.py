import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("metering", "0005_staff_verbs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SpendingBrake",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("daily_limit", "daily limit"), ("staff", "staff")],
                        max_length=12,
                        verbose_name="put on by",
                    ),
                ),
                ("day", models.DateField(null=True, verbose_name="day")),
                (
                    "limit_usd",
                    models.DecimalField(
                        decimal_places=6, max_digits=14, null=True, verbose_name="limit, $"
                    ),
                ),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                ("paused_at", models.DateTimeField(verbose_name="paused at")),
                ("told_at", models.DateTimeField(null=True, verbose_name="staff told at")),
                ("resumed_at", models.DateTimeField(null=True, verbose_name="resumed at")),
                (
                    "resume_reason",
                    models.CharField(blank=True, max_length=500, verbose_name="why resumed"),
                ),
            ],
            options={
                "verbose_name": "spending brake",
                "verbose_name_plural": "spending brakes",
            },
        ),
        migrations.AddField(
            model_name="notice",
            name="claimed_at",
            field=models.DateTimeField(null=True, verbose_name="taken up at"),
        ),
        migrations.AddField(
            model_name="notice",
            name="seen_at",
            field=models.DateTimeField(null=True, verbose_name="dismissed at"),
        ),
        migrations.AddField(
            model_name="notice",
            name="staff_sent_at",
            field=models.DateTimeField(null=True, verbose_name="sent to staff at"),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(
                condition=models.Q(("claimed_at__isnull", True)),
                fields=["user"],
                name="notice_waiting",
            ),
        ),
        migrations.AddField(
            model_name="spendingbrake",
            name="actor",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="by whom",
            ),
        ),
        migrations.AddField(
            model_name="spendingbrake",
            name="resumed_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="resumed by",
            ),
        ),
        migrations.AddConstraint(
            model_name="spendingbrake",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "staff"), ("resumed_at__isnull", True)),
                fields=("kind",),
                name="brake_one_pause_by_staff",
            ),
        ),
        migrations.AddConstraint(
            model_name="spendingbrake",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "daily_limit")),
                fields=("day", "limit_usd"),
                name="brake_once_a_day_and_limit",
            ),
        ),
        migrations.AddConstraint(
            model_name="spendingbrake",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("day__isnull", True), ("kind", "staff"), ("limit_usd__isnull", True)),
                    models.Q(
                        ("day__isnull", False),
                        ("kind", "daily_limit"),
                        ("limit_usd__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="brake_kind_fits_its_day",
            ),
        ),
        migrations.AddConstraint(
            model_name="spendingbrake",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="brake_has_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="spendingbrake",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("resumed_at__isnull", True),
                    models.Q(("resume_reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="brake_resumed_with_reason",
            ),
        ),
    ]
