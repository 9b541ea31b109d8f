from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Notice(models.Model):
    """A threshold that a charge crossed. Written by the charge, sent afterwards.

    Unique at the limit it was crossed at, so that a raised limit re-arms it by itself.
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
    sent_at = models.DateTimeField(_("sent at"), null=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "period_start", "level", "limit_tokens"], name="notice_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.level} %"
