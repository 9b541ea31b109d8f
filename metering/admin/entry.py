from django.contrib import admin
from django.contrib.admin import DateFieldListFilter
from django.utils.translation import gettext_lazy as _

from accounts import staff_pages
from metering import exports
from metering.admin import acts, columns, shared
from metering.models import LedgerEntry

COLOURS = {
    LedgerEntry.Kind.CHARGE: "info",
    LedgerEntry.Kind.REFUND: "success",
    LedgerEntry.Kind.GRANT: "success",
    LedgerEntry.Kind.ADJUSTMENT: "warning",
    LedgerEntry.Kind.LIMIT: "primary",
    LedgerEntry.Kind.SUSPENSION: "danger",
    LedgerEntry.Kind.WRITE_OFF: "danger",
    LedgerEntry.Kind.RESOLUTION: "warning",
}


@admin.register(LedgerEntry)
class LedgerEntryAdmin(
    shared.Exported, shared.Priced, shared.OfJob, acts.EntryActs, staff_pages.OwnedRowsAdmin
):
    """The ledger, line by line. Nothing here can be changed: a correction is a new entry."""

    actions_detail = ("refund",)
    file_name = "ledger-entries"
    file_columns = exports.STAFF_ENTRIES
    job_lookup = "job_id"
    list_display = (
        "recorded", "user", "coloured_kind", "signed_tokens", "tariff", "cost", "margin", "model",
        "short_job", "actor", "why",
    )  # fmt: skip
    list_filter = (
        "kind",
        columns.ApiTypeFilter,
        columns.ModelFilter,
        ("day", DateFieldListFilter),
    )
    list_select_related = ("user", "actor")
    fieldsets = (
        (None, {"fields": ("user", "seq", "kind", "created_at", "actor", "why")}),
        (_("Tokens"), {"fields": (
            "signed_tokens", "overrun", "limit_change", "used_afterwards", "limit_afterwards",
            "period_start", "day",
        )}),
        (_("Dollars"), {"fields": ("tariff", "cost", "margin")}),
        (_("Where it comes from"), {"fields": (
            "job", "api_type", "model", "hold", "event", "reverses", "once",
        )}),
    )  # fmt: skip
    readonly_fields = (
        "signed_tokens", "overrun", "limit_change", "used_afterwards", "limit_afterwards", "tariff",
        "cost", "margin", "job", "why", "once",
    )  # fmt: skip

    @staff_pages.label(description=_("kind"), ordering="kind", colours=COLOURS)
    def coloured_kind(self, entry: LedgerEntry) -> tuple[str, str]:
        return entry.kind, entry.get_kind_display()

    @admin.display(description=_("tokens"), ordering="tokens")
    def signed_tokens(self, entry: LedgerEntry) -> str:
        return columns.tokens(entry.tokens)

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, entry: LedgerEntry) -> str:
        return entry.why or columns.NOTHING

    @admin.display(description=_("above the hold"))
    def overrun(self, entry: LedgerEntry) -> str:
        """Tokens charged beyond what was held."""
        over = entry.tokens - entry.hold.amount if entry.hold else 0
        return columns.tokens(over) if over > 0 else columns.NOTHING

    @admin.display(description=_("change of the limit"))
    def limit_change(self, entry: LedgerEntry) -> str:
        """None on a limit: from or to unlimited, which is no number."""
        return columns.NOTHING if entry.limit_delta is None else columns.tokens(entry.limit_delta)

    @admin.display(description=_("used afterwards"))
    def used_afterwards(self, entry: LedgerEntry) -> str:
        return columns.tokens(entry.used_after)

    @admin.display(description=_("limit afterwards, with grants"))
    def limit_afterwards(self, entry: LedgerEntry) -> str:
        return columns.tokens(entry.limit_after)
