"""What users choose about their tokens."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from metering import preferences

LEVELS = [(str(level), f"{level} %") for level in preferences.LEVELS]


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
