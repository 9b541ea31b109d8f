"""What users choose and ask about their tokens."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from metering import preferences, usage_page

LEVELS = [(str(level), f"{level}%") for level in preferences.LEVELS]


class NoticesForm(forms.Form):
    """At which levels somebody wants to be told, and whether by mail as well."""

    levels = forms.MultipleChoiceField(
        label=_("Tell me when I have used"),
        choices=LEVELS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    mail = forms.BooleanField(label=_("Send me a mail as well"), required=False)

    def chosen(self) -> dict[str, Any]:
        """The choice, for preferences.choose."""
        levels = [int(level) for level in self.cleaned_data["levels"]]
        return {"levels": levels, "mail": self.cleaned_data["mail"]}


class UsageForm(forms.Form):
    """Which period the usage page shows, in which unit, and from which entry on."""

    period = forms.DateField(required=False)
    unit = forms.ChoiceField(choices=[(unit, unit) for unit in usage_page.UNITS], required=False)
    before = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    entry = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)

    def asked(self) -> usage_page.Asked:
        """The question, for usage_page.page."""
        given = self.cleaned_data
        return usage_page.Asked(
            period=given["period"],
            unit=given["unit"] or usage_page.TOKENS,
            before_seq=given["before"],
            entry_id=given["entry"],
        )
