from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts import staff_pages
from metering.admin import columns
from metering.models import Notice


@admin.register(Notice)
class NoticeAdmin(staff_pages.OwnedRowsAdmin):
    """Thresholds that charges have crossed, and when their owners were told."""

    search_help_text = _("An e-mail address or a part of it")
    list_display = (
        "recorded",
        "user",
        "percent",
        "limit",
        "used",
        "period_start",
        "sent_at",
        "seen_at",
    )
    list_filter = ("level", ("sent_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    fields = (
        "user", "percent", "limit", "used", "period_start", "created_at", "claimed_at", "sent_at",
        "staff_sent_at", "seen_at",
    )  # fmt: skip
    readonly_fields = ("percent", "limit", "used")

    @admin.display(description=_("level"), ordering="level")
    def percent(self, notice: Notice) -> str:
        return f"{notice.level} %"

    @admin.display(description=_("limit, with grants"), ordering="limit_tokens")
    def limit(self, notice: Notice) -> str:
        return columns.tokens(notice.limit_tokens)

    @admin.display(description=_("used"), ordering="used_tokens")
    def used(self, notice: Notice) -> str:
        return columns.tokens(notice.used_tokens)
