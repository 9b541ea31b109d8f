"""Staff pages for shorts: how each stands, and the queue of those that need a person."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin import DateFieldListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import staff_pages
from generation import unsettled
from generation.admin import acts
from generation.admin.filters import NeedsPersonFilter, VideoModelFilter
from generation.models import FINAL, Short, State
from metering.admin import columns

columns.job_page = "generation_short"

COLOURS = {
    State.SUCCEEDED: "success",
    State.SUBMIT_UNKNOWN: "warning",
    State.FILTERED: "danger",
    State.FAILED: "danger",
    State.LOST: "danger",
    State.CANCELED: "",
}
KIND_COLOURS = {
    unsettled.Kind.UNKNOWN.value: "warning",
    unsettled.Kind.OVERDUE.value: "warning",
    unsettled.Kind.UNFETCHED.value: "info",
    unsettled.Kind.LOST.value: "danger",
}


@admin.register(Short)
class ShortAdmin(acts.ShortActs, staff_pages.OwnedRowsAdmin):
    """Shorts as they stand. Only the pipeline moves them; staff settle what it can't."""

    actions_detail = ("resume", "release", "ask_again", "end", "refund_video")
    job_lookup = "pk"
    list_display = (
        "recorded", "user", "coloured_state", "model", "seconds", "resolution", "attempt",
        "next_step", "end_code", "short_id",
    )  # fmt: skip
    queue_display = (
        "waits_since", "user", "why", "held", "end_detail", "operation", "short_id",
    )  # fmt: skip
    list_filter = (
        NeedsPersonFilter,
        "state",
        VideoModelFilter,
        ("created_at", DateFieldListFilter),
    )
    list_select_related = ("user",)
    readonly_fields = ("short_id", "entries", "holds", "analysed_with")
    fieldsets = (
        (None, {"fields": ("short_id", "user", "state", "entries", "holds")}),
        (_("What was asked for"), {"fields": (
            "model", "seconds", "resolution", "aspect_ratio", "wish", "picture", "picture_width",
            "picture_height", "analysed_with",
        )}),
        (_("What came of it"), {"fields": (
            "seen", "video_prompt", "warning", "operation_name", "video", "video_bytes",
            "end_code", "end_detail",
        )}),
        (_("The work on it"), {"fields": (
            "attempt", "tries", "unclear_answers", "unread_answers", "lease_until",
            "next_attempt_at", "rung_at", "overdue_at",
        )}),
        (_("Dates"), {"fields": (
            "created_at", "analysis_began_at", "analyzed_at", "submitted_at", "rendered_at",
            "finished_at", "cancel_requested_at", "deleted_at",
        )}),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Short]:
        """All shorts; of the queue only those in it, with what is known of each."""
        if _is_queue(request):
            queue = unsettled.with_kind(Short.objects.all(), at=timezone.now())
            return queue.order_by(*self.get_ordering(request))
        shorts: QuerySet[Short] = super().get_queryset(request)
        return shorts

    def get_list_display(self, request: HttpRequest) -> Sequence[Any]:
        """The queue has columns of its own."""
        return self.queue_display if _is_queue(request) else self.list_display

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """The queue begins with what has waited longest."""
        return ("since", "pk") if _is_queue(request) else self.ordering

    @admin.display(description=_("waits since"), ordering="since")
    def waits_since(self, short: Any) -> str:
        return staff_pages.moment(short.since)

    @staff_pages.label(description=_("why"), colours=KIND_COLOURS)
    def why(self, short: Any) -> tuple[str, Any]:
        kind = unsettled.Kind(short.kind)
        return kind.value, kind.label

    @admin.display(description=_("operation"), ordering="operation_name")
    def operation(self, short: Short) -> str:
        """Its own id; the whole name stands on the page of the short."""
        return short.operation_name.rsplit("/", 1)[-1] or columns.NOTHING

    @admin.display(description=_("held tokens"), ordering="held_tokens")
    def held(self, short: Any) -> str:
        return columns.tokens(short.held_tokens)

    @staff_pages.label(description=_("state"), ordering="state", colours=COLOURS)
    def coloured_state(self, short: Short) -> tuple[str, str]:
        colour = short.state if short.state in FINAL else State.SUBMIT_UNKNOWN
        return colour, short.get_state_display()

    @admin.display(description=_("analysis taken from"))
    def analysed_with(self, short: Short) -> str:
        """The short whose analysis serves this one, too."""
        return columns.job(short.analysis_of_id, whole=True)

    @admin.display(description=_("next step at"))
    def next_step(self, short: Short) -> str:
        return staff_pages.moment(short.next_attempt_at)

    @admin.display(description=_("id"))
    def short_id(self, short: Short) -> str:
        return str(short.pk)

    @admin.display(description=_("ledger entries"))
    def entries(self, short: Short) -> str:
        text = _("All entries of this job")
        return columns.found(page="metering_ledgerentry", term=short.pk, text=text)

    @admin.display(description=_("holds"))
    def holds(self, short: Short) -> str:
        text = _("All holds of this job")
        return columns.found(page="metering_hold", term=short.pk, text=text)


def _is_queue(request: HttpRequest) -> bool:
    return NeedsPersonFilter.parameter_name in request.GET
