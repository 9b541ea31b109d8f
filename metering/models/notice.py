from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Notice(models.Model):
    """A threshold that a charge crossed. Written by the charge, sent afterwards.

    Unique at the limit it was crossed at, so that a raised limit re-arms it by itself. `claimed_at`
    is set before any mail goes out and decides who sends it: a row is mailed at most once, also
    where the worker dies in between.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        verbose_name=_("user"),
    )
    period_start = models.DateField(_("period"))
    level = models.PositiveSmallIntegerField(_("level, percent"))
    limit_tokens = models.BigIntegerField(_("limit, with grants"))
    used_tokens = models.BigIntegerField(_("used"))
    created_at = models.DateTimeField(_("crossed at"))
    claimed_at = models.DateTimeField(_("taken up at"), null=True)
    sent_at = models.DateTimeField(_("sent at"), null=True)
    staff_sent_at = models.DateTimeField(_("sent to staff at"), null=True)
    seen_at = models.DateTimeField(_("dismissed at"), null=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "period_start", "level", "limit_tokens"], name="notice_unique"
            )
        ]
        indexes = [
            models.Index(
                fields=["user"], condition=models.Q(claimed_at__isnull=True), name="notice_waiting"
            )
        ]

    def __str__(self) -> str:
        return f"{self.level}%"

    @property
    def percent(self) -> int:
        """How much of the limit was used, rounded down; at least the level that was crossed."""
        return self.used_tokens * 100 // max(self.limit_tokens, 1)
