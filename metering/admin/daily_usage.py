from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts import staff_pages
from metering.admin import columns, shared
from metering.models import DailyUsage


@admin.register(DailyUsage)
class DailyUsageAdmin(shared.Priced, staff_pages.OwnedRowsAdmin):
    """The roll-up by day, user, API type and model, written by each charge."""

    search_help_text = _("An e-mail address or a part of it")
    date_hierarchy = "day"
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
