from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_notices_and_signup_switch"),
    ]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="last_used",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="last used"
            ),
        ),
    ]
