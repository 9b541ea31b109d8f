import re

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from metering.models.token_ledger import TokenLedger

WITH_TOKENS = ["charge", "refund", "adjustment"]
KINDS = [*WITH_TOKENS, "grant", "limit", "suspension", "write_off", "resolution"]
# What `metering.staff` notes after a reason where the figures do not tell the change.
NOTE = re.compile(r" \[([a-z ]+)(?:: (\S+) → (\S+))?\]$")
NOTES = {
    "in flight": _("videos at once: %(before)s → %(after)s"),
    "period": _("period: %(before)s → %(after)s"),
    "suspended": _("suspended"),
    "resumed": _("resumed"),
}


class LedgerEntry(models.Model):
    """One line of a user's ledger. A database trigger keeps it: a correction is a new entry."""

    class Kind(models.TextChoices):
        CHARGE = "charge", _("charge")
        REFUND = "refund", _("refund")
        ADJUSTMENT = "adjustment", _("adjustment")
        GRANT = "grant", _("grant")
        LIMIT = "limit", _("limit")
        SUSPENSION = "suspension", _("suspension")
        WRITE_OFF = "write_off", _("write-off")
        RESOLUTION = "resolution", pgettext_lazy("ledger entry", "resolution")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        verbose_name=_("user"),
    )
    seq = models.BigIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    tokens = models.BigIntegerField(_("tokens"))
    limit_delta = models.BigIntegerField(_("change of the limit"), null=True)
    usd = models.DecimalField(_("tariff, USD"), max_digits=16, decimal_places=8, null=True)
    cost_usd = models.DecimalField(_("cost, USD"), max_digits=16, decimal_places=8, null=True)
    api_type = models.CharField(_("API type"), max_length=64, default="")
    model = models.CharField(_("model"), max_length=100, default="")
    job_id = models.UUIDField(_("job"), null=True, db_index=True)
    hold = models.ForeignKey(
        "metering.Hold",
        on_delete=models.PROTECT,
        null=True,
        related_name="entries",
        db_index=False,
        verbose_name=_("hold"),
    )
    event = models.ForeignKey(
        "metering.UsageEvent",
        on_delete=models.PROTECT,
        null=True,
        related_name="entries",
        db_index=False,
        verbose_name=_("usage event"),
    )
    reverses = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="reversed_by",
        db_index=False,
        verbose_name=_("reverses"),
    )
    key = models.CharField(max_length=200)
    period_start = models.DateField(_("period"))
    day = models.DateField(_("day"))
    used_after = models.BigIntegerField(_("used afterwards"))
    limit_after = models.BigIntegerField(_("limit afterwards, with grants"), null=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=_("by"),
    )
    reason = models.CharField(_("reason"), max_length=500, default="")
    created_at = models.DateTimeField(_("time"))

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        constraints = [
            models.UniqueConstraint(fields=["user", "seq"], name="entry_seq_unique"),
            models.UniqueConstraint(fields=["key"], name="entry_key_unique"),
            models.UniqueConstraint(
                fields=["hold"], condition=Q(kind="charge"), name="entry_one_charge_per_hold"
            ),
            models.CheckConstraint(
                condition=(
                    Q(kind="charge", tokens__gt=0)
                    | Q(kind="refund", tokens__lt=0, reverses__isnull=False)
                    | (Q(kind="adjustment") & ~Q(tokens=0))
                    | (~Q(kind__in=WITH_TOKENS) & Q(tokens=0))
                ),
                name="entry_tokens_fit_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind="charge") | Q(reason__regex=r"\S"),
                name="entry_staff_gives_reason",
            ),
            models.CheckConstraint(condition=Q(kind__in=KINDS), name="entry_kind_known"),
            models.CheckConstraint(
                condition=~Q(kind="grant") | Q(limit_delta__gt=0), name="entry_grant_gives"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "period_start", "seq"], name="entry_period"),
            models.Index(
                fields=["reverses"], condition=Q(reverses__isnull=False), name="entry_reverses"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.seq} {self.kind} {self.tokens}"

    @property
    def why(self) -> str:
        """The reason as it was given, and the note after it in the reader's language."""
        note = NOTE.search(self.reason)
        if note is None or note[1] not in NOTES:
            return self.reason
        words = dict(TokenLedger.Period.choices)
        change = {"before": words.get(note[2], note[2]), "after": words.get(note[3], note[3])}
        return f"{self.reason[: note.start()]} [{NOTES[note[1]] % change}]"
