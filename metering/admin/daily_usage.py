from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import staff_pages
from metering.admin import columns, daily_chart, shared
from metering.models import DailyUsage


@admin.register(DailyUsage)
class DailyUsageAdmin(shared.Priced, staff_pages.OwnedRowsAdmin):
    """The roll-up by day, user, API type and model, written by each charge; above it two charts of
    whatever is listed."""

    search_help_text = _("An e-mail address or a part of it")
    date_hierarchy = "day"
    list_before_template = "admin/metering/daily_chart.html"
    list_display = (
        "day", "user", "api_type", "model", "charges", "charged_tokens", "tariff", "cost", "margin",
    )  # fmt: skip
    list_filter = (columns.ApiTypeFilter, columns.ModelFilter)
    list_select_related = ("user",)
    list_fullwidth = False
    ordering = ("-day", "-id")
    fields = list_display
    readonly_fields = ("charged_tokens", "tariff", "cost", "margin")

    @admin.display(description=_("tokens"), ordering="tokens")
    def charged_tokens(self, row: DailyUsage) -> str:
        return columns.tokens(row.tokens)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list. Django takes the day that is asked for as a moment in the reader's time zone,
        and its date in the default one, which may be the day before."""
        with timezone.override(timezone.get_default_timezone()):
            return super().get_changelist_instance(request)

    def above_list(self, changelist: Any) -> dict[str, Any]:
        """Tokens and dollars by day, of all pages of the list."""
        return {"usage": daily_chart.of(changelist.queryset)}
