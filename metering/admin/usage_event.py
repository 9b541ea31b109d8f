from django.contrib import admin
from django.contrib.admin import DateFieldListFilter
from django.utils.translation import gettext_lazy as _

from accounts import staff_pages
from metering.admin import columns
from metering.models import UsageEvent


@admin.register(UsageEvent)
class UsageEventAdmin(staff_pages.OwnedRowsAdmin):
    """What providers reported, as they reported it."""

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
            "job", "hold", "attempt", "api_type", "model", "key",
        )}),
    )  # fmt: skip
    readonly_fields = ("charged_tokens", "tariff", "cost", "margin", "job")

    @admin.display(description=_("tokens to charge"), ordering="tokens")
    def charged_tokens(self, event: UsageEvent) -> str:
        return columns.tokens(event.tokens)

    @admin.display(description=_("tariff"), ordering="usd")
    def tariff(self, event: UsageEvent) -> str:
        return columns.dollars(event.usd)

    @admin.display(description=_("cost"), ordering="cost_usd")
    def cost(self, event: UsageEvent) -> str:
        return columns.dollars(event.cost_usd)

    @admin.display(description=_("margin"))
    def margin(self, event: UsageEvent) -> str:
        return columns.margin(usd=event.usd, cost_usd=event.cost_usd)

    @admin.display(description=_("job"))
    def job(self, event: UsageEvent) -> str:
        return columns.job(event.job_id, whole=True)

    @admin.display(description=_("job"))
    def short_job(self, event: UsageEvent) -> str:
        return columns.job(event.job_id)
