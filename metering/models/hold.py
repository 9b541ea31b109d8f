from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from metering.types import OpenHold, QuoteLine


class Hold(models.Model):
    """Tokens set aside for one leg of one job, with the price frozen at the quote."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        DUE = "due", _("due")
        CAPTURED = "captured", _("captured")
        RELEASED = "released", _("released")
        WRITTEN_OFF = "written_off", _("written off")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        verbose_name=_("user"),
    )
    job_id = models.UUIDField(_("job"), db_index=True)
    key = models.CharField(max_length=200)
    leg = models.PositiveSmallIntegerField()
    api_type = models.CharField(_("API type"), max_length=64)
    model = models.CharField(_("model"), max_length=100)
    amount = models.BigIntegerField(_("held tokens"))
    cost_usd = models.DecimalField(_("expected cost, USD"), max_digits=16, decimal_places=8)
    line = models.JSONField(_("frozen quote line"))
    period_start = models.DateField(_("period"))
    day = models.DateField(_("day"))
    parked = models.BooleanField(_("parked"), default=False)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.OPEN)
    release_reason = models.CharField(_("why it was released"), max_length=200, default="")
    charge_attempts = models.PositiveIntegerField(_("charge attempts"), default=0)
    charge_after = models.DateTimeField(_("charge not before"), null=True)
    charge_error = models.CharField(_("last charge error"), max_length=500, default="")
    created_at = models.DateTimeField(_("held at"))
    closed_at = models.DateTimeField(_("closed at"), null=True)

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        constraints = [
            models.UniqueConstraint(fields=["key", "leg"], name="hold_key_unique"),
            models.UniqueConstraint(
                fields=["job_id", "api_type"],
                condition=Q(state__in=["open", "due"]),
                name="hold_one_live_per_leg",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="hold_amount_positive"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "due"], closed_at__isnull=True)
                | Q(state__in=["captured", "released", "written_off"], closed_at__isnull=False),
                name="hold_closed_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["user", "job_id"],
                condition=Q(state__in=["open", "due"]),
                name="hold_live",
            ),
            models.Index(fields=["charge_after"], condition=Q(state="due"), name="hold_due"),
        ]

    def __str__(self) -> str:
        return f"{self.api_type} {self.amount} ({self.state})"

    def to_open_hold(self) -> OpenHold:
        """The value that a provider call takes."""
        return OpenHold(
            id=self.pk,
            user_id=self.user_id,
            job_id=self.job_id,
            amount=self.amount,
            line=QuoteLine.from_json(self.line),
        )
