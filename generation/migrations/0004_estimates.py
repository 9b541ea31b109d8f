from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0003_turns")]

    operations = [
        migrations.AddField(
            model_name="short",
            name="analysis_began_at",
            field=models.DateTimeField(null=True, verbose_name="analysis began at"),
        ),
        migrations.AddField(
            model_name="short",
            name="analyzed_at",
            field=models.DateTimeField(null=True, verbose_name="prompt written at"),
        ),
        migrations.AddIndex(
            model_name="short",
            index=models.Index(
                condition=models.Q(rendered_at__isnull=False),
                fields=["model", "-rendered_at"],
                name="short_renders_of_model",
            ),
        ),
    ]
