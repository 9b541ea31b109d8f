from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0001_initial")]

    operations = [
        migrations.AddIndex(
            model_name="short",
            index=models.Index(
                fields=["state"],
                condition=models.Q(state__in=["submit_unknown", "rendering", "rendered", "lost"]),
                name="short_unsettled",
            ),
        ),
    ]
