"""The page on which staff hold the provider's bill against our usage events."""

from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from accounts import staff_pages
from metering import reconcile
from metering.admin import columns

# There the days of Google Cloud's bills begin.
BILL_ZONE = "America/Los_Angeles"


@cache
def time_zones() -> list[tuple[str, str]]:
    """All time zones that a bill may be in."""
    return [(name, name) for name in sorted(available_timezones())]


class BillForm(forms.Form):
    """The bill as text, and where its days begin."""

    bill = forms.CharField(
        label=_("Bill"),
        help_text=_(
            "CSV with the columns day, kind and usd, for example 2026-11-25,gemini-veo-video,12.34."
            " A kind is a model or an API type."
        ),
        widget=UnfoldAdminTextareaWidget,
    )
    zone = forms.TypedChoiceField(
        label=_("Time zone of its days"), choices=time_zones, coerce=ZoneInfo, initial=BILL_ZONE,
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip

    def clean_bill(self) -> reconcile.Bill:
        """The bill, read."""
        try:
            return reconcile.read(text=self.cleaned_data["bill"])
        except reconcile.Unreadable as error:
            raise forms.ValidationError(str(error.message)) from error


def page(*, model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """The form, and below it what the comparison finds."""
    form = BillForm(request.POST or None)
    answer = staff_pages.form_page(
        model_admin=model_admin, request=request, title=gettext("Compare with the bill"), form=form,
        lead=gettext(
            "Our cost is that of all usage events, also of those that nobody was charged for."
            " Nothing is stored."
        ),
    )  # fmt: skip
    answer.template_name = "admin/metering/bill.html"
    if form.is_valid() and answer.context_data is not None:
        values = form.cleaned_data
        found = reconcile.compare(bill=values["bill"], zone=values["zone"])
        answer.context_data["lines"] = [_shown(line) for line in found]
    return answer


def _shown(line: reconcile.Line) -> dict[str, Any]:
    return {
        "day": line.day,
        "kind": line.kind,
        "ours": columns.about(line.ours_usd),
        "billed": columns.about(line.billed_usd),
        "difference": columns.about(line.difference_usd),
    }
