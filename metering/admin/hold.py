from django.contrib import admin
from django.contrib.admin import DateFieldListFilter
from django.utils.translation import gettext_lazy as _

from accounts import staff_pages
from metering.admin import acts, columns, shared
from metering.models import Hold

COLOURS = {
    Hold.State.OPEN: "info",
    Hold.State.DUE: "warning",
    Hold.State.CAPTURED: "success",
    Hold.State.RELEASED: "",
    Hold.State.WRITTEN_OFF: "danger",
}


@admin.register(Hold)
class HoldAdmin(shared.OfJob, acts.HoldActs, staff_pages.OwnedRowsAdmin):
    """Tokens set aside. Only a move of its job releases a hold; a due one can be written off."""

    actions_detail = ("write_off",)
    job_lookup = "job_id"
    list_display = (
        "recorded", "user", "coloured_state", "held", "expected_cost", "model", "short_job",
        "charge_attempts", "charge_error",
    )  # fmt: skip
    list_filter = (
        "state",
        "parked",
        columns.ApiTypeFilter,
        columns.ModelFilter,
        ("day", DateFieldListFilter),
    )
    list_select_related = ("user",)
    fieldsets = (
        (None, {"fields": ("user", "state", "parked", "created_at", "closed_at")}),
        (_("Tokens"), {"fields": ("held", "expected_cost", "period_start", "day", "entries")}),
        (_("What for"), {"fields": ("job", "leg", "api_type", "model", "line", "once")}),
        (_("How it ended"), {"fields": (
            "release_reason", "charge_attempts", "charge_after", "charge_error",
        )}),
    )  # fmt: skip
    readonly_fields = ("held", "expected_cost", "job", "entries", "once")

    @staff_pages.label(description=_("state"), ordering="state", colours=COLOURS)
    def coloured_state(self, hold: Hold) -> tuple[str, str]:
        text = hold.get_state_display()
        return hold.state, f"{text}, {_('parked')}" if hold.parked else text

    @admin.display(description=_("held tokens"), ordering="amount")
    def held(self, hold: Hold) -> str:
        return columns.tokens(hold.amount)

    @admin.display(description=_("expected cost"), ordering="cost_usd")
    def expected_cost(self, hold: Hold) -> str:
        return columns.dollars(hold.cost_usd)

    @admin.display(description=_("ledger entries"))
    def entries(self, hold: Hold) -> str:
        """A link to all entries of the job."""
        return columns.found(
            page="metering_ledgerentry", term=hold.job_id, text=_("All entries of this job")
        )
