import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="mail_notices",
            field=models.BooleanField(default=True, verbose_name="mail about used tokens"),
        ),
        migrations.CreateModel(
            name="SignupSwitch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_open", models.BooleanField(null=True, verbose_name="open")),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                ("switched_at", models.DateTimeField(verbose_name="time")),
                (
                    "actor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by whom",
                    ),
                ),
            ],
            options={
                "verbose_name": "sign-up switch",
                "verbose_name_plural": "sign-up switch",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True),
                        name="signup_switch_has_reason",
                    )
                ],
            },
        ),
    ]
