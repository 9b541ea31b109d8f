from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class DailyUsage(models.Model):
    """The roll-up of entries by user, day, API type and model. Pages and charts read only this."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        verbose_name=_("user"),
    )
    day = models.DateField(_("day"))
    api_type = models.CharField(_("API type"), max_length=64)
    model = models.CharField(_("model"), max_length=100)
    charges = models.PositiveIntegerField(_("charges"))
    tokens = models.BigIntegerField(_("tokens"))
    usd = models.DecimalField(_("tariff, USD"), max_digits=18, decimal_places=8, null=True)
    cost_usd = models.DecimalField(_("cost, USD"), max_digits=18, decimal_places=8)

    class Meta:
        verbose_name = _("daily usage")
        verbose_name_plural = _("daily usage")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "day", "api_type", "model"], name="daily_usage_unique"
            )
        ]
        indexes = [models.Index(fields=["day"], name="daily_usage_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.api_type} {self.tokens}"
