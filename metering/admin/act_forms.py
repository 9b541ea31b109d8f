"""What staff fill in before an act. Each rendering has a key of its own, so that a form sent twice
is one act."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import uuid4

from django import forms
from django.utils import formats
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
)

from accounts import staff_pages
from metering import staff
from metering.models import TokenLedger

EXPORT_FORMATS = [("csv", _("CSV, for spreadsheets")), ("jsonl", _("JSON, a line for each entry"))]


class ActForm(forms.Form):
    """A reason, and the key of this rendering."""

    reason = staff_pages.reason(
        help_text=_("Kept in the ledger for good."),
        max_length=400,
        missing=staff.ReasonMissing.message,
    )
    key = forms.UUIDField(initial=uuid4, required=False, widget=forms.HiddenInput)

    def clean(self) -> None:
        """A key that is none is said above the form, because its own field is hidden."""
        if "key" in self.errors:
            self.add_error(None, staff.KeyUsed.message)


class GivenTokensForm(ActForm):
    """Tokens to give: a grant or a refund."""

    tokens = forms.IntegerField(
        label=_("Tokens"),
        min_value=1,
        max_value=staff.MOST_TOKENS,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    field_order = ("tokens", "reason", "key")


class AdjustForm(ActForm):
    """Tokens to correct by, up or down."""

    tokens = forms.IntegerField(
        label=_("Tokens"),
        min_value=-staff.MOST_TOKENS,
        max_value=staff.MOST_TOKENS,
        help_text=_("Above 0: more was used. Below 0: less was used."),
        widget=UnfoldAdminIntegerFieldWidget,
    )
    field_order = ("tokens", "reason", "key")

    def clean_tokens(self) -> int:
        """Not nothing."""
        tokens: int = self.cleaned_data["tokens"]
        if tokens == 0:
            raise forms.ValidationError(staff.TokensZero.message)
        return tokens


class PeriodForm(ActForm):
    """How a person's tokens are counted from now on."""

    period = forms.ChoiceField(
        label=_("Period"), choices=TokenLedger.Period.choices, widget=UnfoldAdminSelectWidget
    )
    field_order = ("period", "reason", "key")


class ExportForm(forms.Form):
    """Which period of a person, and as what."""

    period = forms.TypedChoiceField(
        label=_("Period from"), coerce=date.fromisoformat, widget=UnfoldAdminSelectWidget
    )
    format = forms.ChoiceField(
        label=_("Format"), choices=EXPORT_FORMATS, widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args: Any, periods: Sequence[date], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        period: Any = self.fields["period"]
        period.choices = [(str(day), formats.date_format(day)) for day in periods]
