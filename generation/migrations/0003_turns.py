from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0002_unsettled_index")]

    operations = [
        migrations.AddField(
            model_name="modelgate",
            name="submits_per_minute",
            field=models.PositiveIntegerField(
                blank=True, null=True, verbose_name="submits per minute"
            ),
        ),
        migrations.AddField(
            model_name="modelgate",
            name="renders_at_once",
            field=models.PositiveIntegerField(
                blank=True, null=True, verbose_name="renders at once"
            ),
        ),
        migrations.AddConstraint(
            model_name="modelgate",
            constraint=models.CheckConstraint(
                condition=models.Q(submits_per_minute__gt=0), name="model_gate_submits_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="modelgate",
            constraint=models.CheckConstraint(
                condition=models.Q(renders_at_once__gt=0), name="model_gate_renders_positive"
            ),
        ),
        migrations.AddIndex(
            model_name="short",
            index=models.Index(
                fields=["model", "user", "created_at", "id"],
                condition=models.Q(state="analyzed"),
                name="short_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="short",
            index=models.Index(
                fields=["model", "user"],
                condition=models.Q(state__in=["submitting", "submit_unknown", "rendering"]),
                name="short_busy",
            ),
        ),
        migrations.AddIndex(
            model_name="short",
            index=models.Index(
                fields=["model", "submitted_at"],
                condition=models.Q(submitted_at__isnull=False),
                name="short_submits",
            ),
        ),
    ]
