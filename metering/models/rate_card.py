from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class RateCard(models.Model):
    """One price, dated. Once in force its prices are read-only, by a database trigger.

    Tariff: what users are charged by, `usd_per_second`, or raw tokens one for one where that is
    empty. Cost: what the provider bills. Both in dollars, with a source.
    """

    api_type = models.CharField(_("API type"), max_length=64)
    model = models.CharField(_("model"), max_length=100)
    label = models.CharField(_("label"), max_length=100)
    resolution = models.CharField(_("resolution"), max_length=16, blank=True, default="")
    usd_per_second = models.DecimalField(
        _("tariff, USD per second"),
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
        help_text=_("Empty: raw tokens are charged one for one."),
    )
    cost_usd_per_second = models.DecimalField(
        _("cost, USD per second"), max_digits=12, decimal_places=6, null=True, blank=True
    )
    cost_usd_per_million_input = models.DecimalField(
        _("cost, USD per million input tokens"),
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
    )
    cost_usd_per_million_output = models.DecimalField(
        _("cost, USD per million output tokens"),
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
    )
    estimate_tokens = models.PositiveIntegerField(
        _("estimate, tokens"),
        null=True,
        blank=True,
        help_text=_("Held before a call whose tokens are only known afterwards."),
    )
    bills_filtered = models.BooleanField(_("bills filtered results"), default=False)
    effective_from = models.DateTimeField(_("in force from"))
    retires_at = models.DateTimeField(_("retires at"), null=True, blank=True)
    source = models.CharField(_("source of the price"), max_length=300)
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        verbose_name = _("rate card")
        verbose_name_plural = _("rate cards")
        ordering = ["api_type", "model", "resolution", "-effective_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["api_type", "model", "resolution", "effective_from"],
                name="rate_card_one_per_date",
            ),
            models.CheckConstraint(
                condition=Q(usd_per_second__gt=0, cost_usd_per_second__gte=0)
                | Q(
                    usd_per_second__isnull=True,
                    estimate_tokens__gt=0,
                    cost_usd_per_million_input__gte=0,
                    cost_usd_per_million_output__gte=0,
                ),
                name="rate_card_price_complete",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} {self.resolution}".strip()


class ConversionRate(models.Model):
    """Tokens per dollar, dated. Once in force it is read-only, by a database trigger."""

    tokens_per_usd = models.DecimalField(_("tokens per dollar"), max_digits=12, decimal_places=4)
    effective_from = models.DateTimeField(_("in force from"), unique=True)
    source = models.CharField(_("source of the rate"), max_length=300)

    class Meta:
        verbose_name = _("conversion rate")
        verbose_name_plural = _("conversion rates")
        ordering = ["-effective_from"]
        constraints = [
            models.CheckConstraint(
                condition=Q(tokens_per_usd__gt=0), name="conversion_rate_positive"
            )
        ]

    def __str__(self) -> str:
        return f"{self.tokens_per_usd.normalize():f}"
