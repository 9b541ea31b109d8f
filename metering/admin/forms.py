"""What staff fill in. The database has the last word; here it says so in kind sentences."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldBooleanWidget,
)

from metering.admin import act_forms
from metering.models import ConversionRate, RateCard

MOST_TOKENS = 10**15
MOST_IN_FLIGHT = 1_000_000
BY_SECOND = ("usd_per_second", "cost_usd_per_second")
CHARGED = ("usd_per_second", "estimate_tokens")
BY_TOKEN = ("estimate_tokens", "cost_usd_per_million_input", "cost_usd_per_million_output")


class ManyLimitsForm(act_forms.ActForm):
    """A limit for several people. Unlimited is ticked, never an empty field."""

    tokens = forms.IntegerField(
        label=_("Tokens per period"),
        min_value=0,
        max_value=MOST_TOKENS,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    unlimited = forms.BooleanField(label=_("Unlimited"), required=False, widget=UnfoldBooleanWidget)
    field_order: tuple[str, ...] = ("tokens", "unlimited", "reason", "key")

    def clean(self) -> None:
        """Tokens or unlimited, one of the two."""
        super().clean()
        if "tokens" in self.errors:
            return
        given, unlimited = self.cleaned_data["tokens"], self.cleaned_data["unlimited"]
        if unlimited and given is not None:
            self.add_error("tokens", _("Tokens or unlimited: clear one of the two."))
        if not unlimited and given is None:
            self.add_error("tokens", _("Give a number of tokens, or tick unlimited."))


class LimitForm(ManyLimitsForm):
    """One person's limit, and how many jobs may be under way."""

    max_in_flight = forms.IntegerField(
        label=_("Jobs in flight at most"),
        min_value=0,
        max_value=MOST_IN_FLIGHT,
        required=False,
        help_text=_("Empty: stays as it is."),
        widget=UnfoldAdminIntegerFieldWidget,
    )
    field_order = ("tokens", "unlimited", "max_in_flight", "reason", "key")


class DatedForm(forms.ModelForm):  # type: ignore[type-arg]  # for two models
    """A price that begins now or later, so that it never rewrites what people have seen."""

    locked_by = ""
    # The button of the form that asks what the price would have done.
    preview = "_preview"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "effective_from" in self.fields:
            self.fields["effective_from"].required = False
            self.fields["effective_from"].help_text = _("Empty: at once.")

    def is_valid(self) -> bool:
        """Whether to store it: not if only a preview is asked for."""
        return super().is_valid() and self.preview not in self.data

    def clean(self) -> dict[str, Any]:
        """Refuse a start in the past, and prices sent for a row that is in force by now."""
        values = super().clean() or self.cleaned_data
        if self.locked_by not in self.fields:
            if self.locked_by in self.data:
                message = _("This price is in force by now: only its end can still be changed.")
                raise forms.ValidationError(message)
        elif "effective_from" not in self.errors:
            now = timezone.now()
            start = values["effective_from"] = values.get("effective_from") or now
            if start < now:
                message = _("A price can't start in the past. Leave this empty to start at once.")
                self.add_error("effective_from", message)
        return values


class RateCardForm(DatedForm):
    """A price by the second, or by tokens: all of one kind, nothing of the other."""

    locked_by = "source"

    class Meta:
        model = RateCard
        fields = "__all__"  # noqa: DJ007 - the admin's fieldsets decide
        error_messages = {
            NON_FIELD_ERRORS: {
                "unique_together": _(
                    "There is already a price for this model and resolution from that time on."
                )
            }
        }

    def clean(self) -> dict[str, Any]:
        """Say what is missing before the database refuses the row."""
        values = super().clean()
        if "usd_per_second" in self.fields and not self.errors:
            self._check_prices(values)
        start = values.get("effective_from") or self.instance.effective_from
        end = values.get("retires_at")
        if start and end and end <= start:
            self.add_error("retires_at", _("A price ends after it has begun."))
        return values

    def _check_prices(self, values: dict[str, Any]) -> None:
        by_second = values["usd_per_second"] is not None
        needed, foreign = (BY_SECOND, BY_TOKEN) if by_second else (BY_TOKEN, BY_SECOND)
        for name in needed:
            if values[name] is None:
                self.add_error(name, _missing(by_second=by_second))
            elif values[name] < 0:
                self.add_error(name, _("This must not be below 0."))
            elif values[name] == 0 and name in CHARGED:
                self.add_error(name, _("This must be above 0."))
        for name in foreign:
            if values[name] is not None:
                self.add_error(name, _("By the second or by tokens: leave this empty."))


class ConversionRateForm(DatedForm):
    """Tokens per dollar, from a date on."""

    locked_by = "source"

    class Meta:
        model = ConversionRate
        fields = "__all__"  # noqa: DJ007 - the admin's fieldsets decide
        error_messages = {
            "effective_from": {"unique": _("There is already a rate from that time on.")}
        }

    def clean_tokens_per_usd(self) -> Decimal:
        """More than nothing."""
        rate: Decimal = self.cleaned_data["tokens_per_usd"]
        if rate <= 0:
            raise forms.ValidationError(_("A dollar must be worth some tokens."))
        return rate


def _missing(*, by_second: bool) -> Any:
    if by_second:
        return _("A tariff by the second needs the provider's cost by the second.")
    return _(
        "Give a tariff by the second; or, for raw tokens, an estimate and both costs per million."
    )
