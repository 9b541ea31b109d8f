from typing import Any

from django.contrib import admin
from django.contrib.admin import DateFieldListFilter
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts import staff_pages
from metering import exports
from metering.admin import bill, columns, shared
from metering.models import UsageEvent


@admin.register(UsageEvent)
class UsageEventAdmin(shared.Exported, shared.Priced, shared.OfJob, staff_pages.OwnedRowsAdmin):
    """What providers reported, as they reported it."""

    actions_list = ("bill",)
    file_name = "usage-events"
    file_columns = exports.STAFF_EVENTS

    job_lookup = "hold__job_id"
    list_display = (
        "recorded", "user", "model", "basis", "billable", "charged_tokens", "tariff", "cost",
        "margin", "short_job", "attempt",
    )  # fmt: skip
    list_filter = (
        "basis",
        "billable",
        columns.ApiTypeFilter,
        columns.ModelFilter,
        ("created_at", DateFieldListFilter),
    )
    list_select_related = ("user",)
    fieldsets = (
        (None, {"fields": ("user", "created_at", "billable", "basis")}),
        (_("Reported"), {"fields": (
            "prompt_tokens", "candidates_tokens", "thoughts_tokens", "cached_tokens",
            "total_tokens", "seconds", "resolution", "provider_id",
        )}),
        (_("What it comes to"), {"fields": ("charged_tokens", "tariff", "cost", "margin")}),
        (_("Where it comes from"), {"fields": (
            "job", "hold", "attempt", "api_type", "model", "once",
        )}),
    )  # fmt: skip
    readonly_fields = ("charged_tokens", "tariff", "cost", "margin", "job", "once")

    def has_bill_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may see what providers reported."""
        return bool(self.has_view_permission(request))

    @staff_pages.action(
        description=_("Compare with the bill"), url_path="bill", permissions=["bill"]
    )
    def bill(self, request: HttpRequest) -> HttpResponse:
        """Our dollars against the provider's."""
        return bill.page(model_admin=self, request=request)

    @admin.display(description=_("tokens to charge"), ordering="tokens")
    def charged_tokens(self, event: UsageEvent) -> str:
        return columns.tokens(event.tokens)
