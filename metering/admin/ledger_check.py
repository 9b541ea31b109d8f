from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts import staff_pages
from metering.models import LedgerCheck


@admin.register(LedgerCheck)
class LedgerCheckAdmin(staff_pages.ReadOnlyAdmin):
    """The nightly proofs of the ledger, the newest first."""

    ordering = ("-id",)
    list_display = ("begun", "ok", "findings", "finished")
    list_filter = ("ok",)
    fields = ("started_at", "finished_at", "ok", "findings", "first_findings")

    @admin.display(description=_("started at"), ordering="id")
    def begun(self, check: LedgerCheck) -> str:
        return staff_pages.moment(check.started_at)

    @admin.display(description=_("finished at"), ordering="finished_at")
    def finished(self, check: LedgerCheck) -> str:
        return staff_pages.moment(check.finished_at)
