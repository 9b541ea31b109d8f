import re

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FIGURE = re.compile(r"\d+\.\d+")


class SpendingBrake(models.Model):
    """A stop of all new spending: one row each time it was put on, by the day's limit or by staff.

    The limit's brake holds for its local day and at its limit, so that a new day and a raised limit
    let go of it by themselves. Staff's holds until somebody resumes. `reason` is staff's own words,
    or the figures of the limit, which `why` says in the reader's language.
    """

    class Kind(models.TextChoices):
        DAILY_LIMIT = "daily_limit", _("daily limit")
        STAFF = "staff", _("staff")

    kind = models.CharField(_("put on by"), max_length=12, choices=Kind.choices)
    day = models.DateField(_("day"), null=True)
    limit_usd = models.DecimalField(_("limit, $"), max_digits=14, decimal_places=6, null=True)
    reason = models.CharField(_("reason"), max_length=500)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("by whom"),
    )
    paused_at = models.DateTimeField(_("paused at"))
    told_at = models.DateTimeField(_("staff told at"), null=True)
    resumed_at = models.DateTimeField(_("resumed at"), null=True)
    resumed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("resumed by"),
    )
    resume_reason = models.CharField(_("why resumed"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("spending brake")
        verbose_name_plural = _("spending brakes")
        constraints = [
            models.UniqueConstraint(
                fields=["kind"],
                condition=Q(kind="staff", resumed_at__isnull=True),
                name="brake_one_pause_by_staff",
            ),
            models.UniqueConstraint(
                fields=["day", "limit_usd"],
                condition=Q(kind="daily_limit"),
                name="brake_once_a_day_and_limit",
            ),
            models.CheckConstraint(
                condition=Q(kind="staff", day__isnull=True, limit_usd__isnull=True)
                | Q(kind="daily_limit", day__isnull=False, limit_usd__isnull=False),
                name="brake_kind_fits_its_day",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="brake_has_reason"),
            models.CheckConstraint(
                condition=Q(resumed_at__isnull=True) | ~Q(resume_reason=""),
                name="brake_resumed_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())

    @property
    def why(self) -> str | Promise:
        """The reason, for whoever reads it."""
        if self.kind == self.Kind.STAFF:
            return self.reason
        spent, asked, limit = FIGURE.findall(self.reason)
        text = _("$%(spent)s spent or held, $%(asked)s asked for, $%(limit)s is the limit")
        return text % {"spent": spent, "asked": asked, "limit": limit}
