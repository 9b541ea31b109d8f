from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


def default_notice_levels() -> list[int]:
    """Percent of the limit at which a user is told."""
    return [50, 80, 95, 100]


class TokenLedger(models.Model):
    """A user's counters: the one row that decides, locked first by every ledger function.

    Nothing refers to this row. A foreign key to a row that everybody updates would make each
    insert lock it.
    """

    class Period(models.TextChoices):
        MONTH = "month", _("month")
        WEEK = "week", _("week")
        DAY = "day", _("day")
        LIFETIME = "lifetime", _("lifetime")

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="token_ledger",
        verbose_name=_("user"),
    )
    token_limit = models.BigIntegerField(
        _("token limit"), null=True, blank=True, help_text=_("Per period; empty = unlimited.")
    )
    granted = models.BigIntegerField(_("granted"), default=0)
    period = models.CharField(
        _("period"), max_length=8, choices=Period.choices, default=Period.MONTH
    )
    period_start = models.DateField(_("period start"))
    used = models.BigIntegerField(_("used"), default=0)
    held = models.BigIntegerField(_("held"), default=0)
    seq = models.BigIntegerField(_("last entry number"), default=0)
    max_in_flight = models.PositiveIntegerField(_("jobs in flight at most"), default=3)
    suspended = models.BooleanField(_("suspended"), default=False)
    notice_levels = ArrayField(
        models.PositiveSmallIntegerField(), default=default_notice_levels, blank=True
    )

    class Meta:
        verbose_name = _("token ledger")
        verbose_name_plural = _("token ledgers")
        constraints = [
            models.CheckConstraint(
                condition=Q(token_limit__isnull=True) | Q(token_limit__gte=0),
                name="ledger_limit_not_negative",
            ),
            models.CheckConstraint(condition=Q(used__gte=0), name="ledger_used_not_negative"),
            models.CheckConstraint(condition=Q(held__gte=0), name="ledger_held_not_negative"),
            models.CheckConstraint(condition=Q(granted__gte=0), name="ledger_granted_not_negative"),
            models.CheckConstraint(condition=Q(seq__gte=0), name="ledger_seq_not_negative"),
            models.CheckConstraint(
                condition=Q(period__in=["month", "week", "day", "lifetime"]),
                name="ledger_period_known",
            ),
        ]

    def __str__(self) -> str:
        return str(self.user)
