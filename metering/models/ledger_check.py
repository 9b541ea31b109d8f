from django.db import models
from django.utils.translation import gettext_lazy as _


class LedgerCheck(models.Model):
    """One scheduled proof of the whole ledger, and what it found."""

    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"))
    ok = models.BooleanField(_("verified"))
    findings = models.PositiveIntegerField(_("findings"))
    first_findings = models.TextField(_("first findings"), blank=True, default="")

    class Meta:
        verbose_name = _("ledger check")
        verbose_name_plural = _("ledger checks")

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"
