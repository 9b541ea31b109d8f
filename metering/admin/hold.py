from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin import DateFieldListFilter, SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from accounts import staff_pages
from metering import queries
from metering.admin import acts, columns, shared
from metering.models import Hold

COLOURS = {
    Hold.State.OPEN: "info",
    Hold.State.DUE: "warning",
    Hold.State.CAPTURED: "success",
    Hold.State.RELEASED: "",
    Hold.State.WRITTEN_OFF: "danger",
}


# How long live holds have been so: at least, and less than.
AGES: dict[str, tuple[Any, timedelta | None, timedelta | None]] = {
    "hour": (_("less than an hour"), None, timedelta(hours=1)),
    "day": (_("an hour to a day"), timedelta(hours=1), timedelta(days=1)),
    "week": (_("a day to a week"), timedelta(days=1), timedelta(days=7)),
    "older": (_("a week or more"), timedelta(days=7), None),
}
ANY_AGE = "any"


def bands(*, at: datetime) -> Mapping[str, Q]:
    """The conditions of the ages at an instant."""
    found = {}
    for name, (_text, least, below) in AGES.items():
        band = Q() if least is None else Q(created_at__lte=at - least)
        found[name] = band if below is None else band & Q(created_at__gt=at - below)
    return found


class AgeFilter(SimpleListFilter):
    """Live holds, all or of one age."""

    title = _("live for")
    parameter_name = "live"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        ages = [(name, text) for name, (text, _least, _below) in AGES.items()]
        return [(ANY_AGE, _("any time")), *ages]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        if self.value() is None:
            return None
        live = queryset.filter(state__in=queries.LIVE)
        band = bands(at=timezone.now()).get(str(self.value()))
        return live if band is None else live.filter(band)


@admin.register(Hold)
class HoldAdmin(shared.OfJob, acts.HoldActs, staff_pages.OwnedRowsAdmin):
    """Tokens set aside. Only a move of its job releases a hold; a due one can be written off."""

    list_before_template = "admin/metering/hold_ages.html"
    actions_detail = ("charge", "write_off")
    job_lookup = "job_id"
    list_display = (
        "recorded", "user", "coloured_state", "held", "expected_cost", "model", "short_job",
        "charge_attempts", "charge_error",
    )  # fmt: skip
    live_display = (
        "recorded", "live_for", "user", "coloured_state", "held", "expected_cost", "model",
        "short_job",
    )  # fmt: skip
    backlog_display = (
        "recorded", "live_for", "user", "held", "model", "short_job", "charge_attempts",
        "next_try", "charge_error",
    )  # fmt: skip
    list_filter = (
        AgeFilter,
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

    def get_list_display(self, request: HttpRequest) -> Sequence[Any]:
        """The charge backlog and what is live have columns of their own."""
        if request.GET.get("state__exact") == Hold.State.DUE:
            return self.backlog_display
        return self.live_display if AgeFilter.parameter_name in request.GET else self.list_display

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """What waits begins with what has waited longest."""
        oldest_first = self.get_list_display(request) is not self.list_display
        return ("id",) if oldest_first else self.ordering

    def above_list(self, changelist: Any) -> dict[str, Any]:
        """What is held right now, by age."""
        found = queries.live_by_age(bands=bands(at=timezone.now()))
        ages = [
            {
                "name": name,
                "text": AGES[name][0],
                "jobs": columns.tokens(sums["jobs"]),
                "tokens": columns.tokens(sums["tokens"]),
                "parked": columns.tokens(sums["parked"]),
                "cost": columns.about(sums["cost_usd"]),
            }
            for name, sums in found.items()
            if sums["jobs"]
        ]
        return {"ages": ages}

    @staff_pages.label(description=_("state"), ordering="state", colours=COLOURS)
    def coloured_state(self, hold: Hold) -> tuple[str, str]:
        text = hold.get_state_display()
        return hold.state, f"{text}, {_('parked')}" if hold.parked else text

    @admin.display(description=_("held tokens"), ordering="amount")
    def held(self, hold: Hold) -> str:
        return columns.tokens(hold.amount)

    @admin.display(description=_("live for"), ordering="id")
    def live_for(self, hold: Hold) -> str:
        """How long it has held its tokens."""
        return staff_pages.unbroken(timesince(hold.created_at, depth=1))

    @admin.display(description=_("next try"), ordering="charge_after")
    def next_try(self, hold: Hold) -> str:
        """When its charge is tried again by itself."""
        return staff_pages.moment(hold.charge_after)

    @admin.display(description=_("expected cost"), ordering="cost_usd")
    def expected_cost(self, hold: Hold) -> str:
        return columns.dollars(hold.cost_usd)

    @admin.display(description=_("ledger entries"))
    def entries(self, hold: Hold) -> str:
        """A link to all entries of the job."""
        return columns.found(
            page="metering_ledgerentry", term=hold.job_id, text=_("All entries of this job")
        )
