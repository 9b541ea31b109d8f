from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class UsageEvent(models.Model):
    """What a provider reported for one attempt at one leg. Append-only, by a database trigger."""

    class Basis(models.TextChoices):
        REPORTED = "reported", _("reported")
        DERIVED = "derived", _("derived from its parts")
        ESTIMATED = "estimated", _("estimated")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("user")
    )
    hold = models.ForeignKey(
        "metering.Hold",
        on_delete=models.PROTECT,
        null=True,
        related_name="events",
        db_index=False,
        verbose_name=_("hold"),
    )
    attempt = models.PositiveIntegerField(_("attempt"))
    job_id = models.UUIDField(_("job"), null=True)
    key = models.CharField(max_length=200, null=True)  # noqa: DJ001 - unique where it is given
    api_type = models.CharField(_("API type"), max_length=64)
    model = models.CharField(_("model"), max_length=100)
    prompt_tokens = models.BigIntegerField(_("prompt tokens"), null=True)
    candidates_tokens = models.BigIntegerField(_("candidates tokens"), null=True)
    thoughts_tokens = models.BigIntegerField(_("thoughts tokens"), null=True)
    cached_tokens = models.BigIntegerField(_("cached tokens"), null=True)
    total_tokens = models.BigIntegerField(_("total tokens"), null=True)
    seconds = models.PositiveIntegerField(_("seconds"), null=True)
    resolution = models.CharField(_("resolution"), max_length=16, default="")
    provider_id = models.CharField(_("provider's id"), max_length=300, default="")
    basis = models.CharField(_("basis"), max_length=10, choices=Basis.choices)
    billable = models.BooleanField(_("billable"))
    tokens = models.BigIntegerField(_("tokens to charge"))
    usd = models.DecimalField(_("tariff, USD"), max_digits=16, decimal_places=8, null=True)
    cost_usd = models.DecimalField(_("cost, USD"), max_digits=16, decimal_places=8)
    created_at = models.DateTimeField(_("recorded at"))

    class Meta:
        verbose_name = _("usage event")
        verbose_name_plural = _("usage events")
        constraints = [
            models.UniqueConstraint(fields=["hold", "attempt"], name="event_hold_attempt_unique"),
            models.UniqueConstraint(
                fields=["hold"], condition=Q(billable=True), name="event_one_billable_per_hold"
            ),
            models.UniqueConstraint(fields=["key"], name="event_key_unique"),
            models.CheckConstraint(
                condition=Q(basis__in=["reported", "derived", "estimated"]),
                name="event_basis_known",
            ),
            models.CheckConstraint(
                condition=Q(billable=False) | Q(tokens__gt=0), name="event_billable_has_tokens"
            ),
        ]
        # Rows stand in the order of time, so that an index of a few pages finds a day's.
        indexes = [BrinIndex(fields=["created_at"], name="event_recorded")]

    def __str__(self) -> str:
        return f"{self.api_type} {self.tokens} ({self.basis})"
